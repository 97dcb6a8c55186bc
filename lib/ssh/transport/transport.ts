import type { ByteStream } from "../../wire/byte_stream.ts";
import { isTurnOver, nextTurn, nextTurnOfStrangers } from "../../wire/turn.ts";
import type { HostKey } from "../keys/host_key.ts";
import { DisconnectReason, Message } from "../protocol/numbers.ts";
import { MalformedError, Writer } from "../protocol/wire_format.ts";
import { IdentificationReader } from "./identification.ts";
import { KeyExchanges } from "./key_exchanges.ts";
import { Outgoing } from "./outgoing.ts";
import { PacketReader } from "./packet_reader.ts";
import type { TransportError } from "./transport_error.ts";

/** How many bytes may wait, answers included, before nothing more is read. */
const MAX_PENDING = 1024 * 1024;

/** How long the client has to take what we sent last and to close, in milliseconds. */
const LINGER_MS = 2000;

/** Messages that mean nothing to the server. */
const IGNORED: readonly number[] = [Message.ignore, Message.unimplemented, Message.debug];

export interface TransportOptions {
  hostKeys: readonly HostKey[];
  /** The version that the server tells the client. */
  version: string;
  /** Bytes, both ways together, after which keys are exchanged again. @default 1 GiB */
  rekeyBytes?: number;
}

/**
 * Takes one packet; what it throws ends the connection as a protocol error. The payload of
 * SSH_MSG_CHANNEL_DATA is good until it returns, that of others belongs to it.
 */
export type PacketHandler = (type: number, payload: Uint8Array) => void;

/**
 * The encrypted packets of one connection (RFC 4253) on a byte stream: the server's side, with the
 * strict key exchange of OpenSSH's PROTOCOL, section 1.10.
 */
export class Transport {
  readonly #stream: ByteStream;
  readonly #version: Uint8Array;
  /** Reads the client's version; undefined once that has come. */
  #identification? = new IdentificationReader();
  readonly #reader = new PacketReader();
  readonly #outgoing: Outgoing;
  readonly #exchanges: KeyExchanges;
  #onPacket: PacketHandler = () => {};
  #waiting: (() => void)[] = [];
  #reading?: Promise<void>;
  #lingering?: ReturnType<typeof setTimeout>;
  #ended = false;
  readonly #over = Promise.withResolvers<void>();
  #error?: Error;

  constructor(stream: ByteStream, options: TransportOptions) {
    const { hostKeys, version, rekeyBytes } = options;
    this.#stream = stream;
    this.#outgoing = new Outgoing(stream, {
      onWritten: (count) => {
        this.#countBytes(count);
        this.#wake();
      },
      onError: (error) => this.#fail(error),
    });
    // By this prefix OpenSSH's client knows that it may send eow@openssh.com; without that
    // `ssh host yes | head` never ends.
    this.#version = new TextEncoder().encode(`SSH-2.0-OpenSSH_Converge_${version}`);
    this.#exchanges = new KeyExchanges({
      hostKeys,
      serverVersion: this.#version,
      rekeyBytes,
      reader: this.#reader,
      outgoing: this.#outgoing,
    });
  }

  /** The session identifier (RFC 4253, section 7.2); there is one once packets come. */
  get sessionId(): Uint8Array {
    return this.#exchanges.sessionId!;
  }

  /** The signature of the host key that was agreed on last, for instance `rsa-sha2-256`. */
  get hostKeyAlgorithm(): string {
    return this.#exchanges.hostKeyAlgorithm;
  }

  /**
   * Handles packets until the connection has ended, by either side, then resolves to the error that
   * ended it, if one did. What is still on its way to the client then has {@link close} to wait for
   * it.
   *
   * @param onPacket gets each packet from service requests on, key exchange and such left out
   */
  async run(onPacket: PacketHandler): Promise<Error | undefined> {
    this.#onPacket = onPacket;
    this.#reading = this.#read();
    await this.#over.promise;
    return this.#error;
  }

  /**
   * Resolves when the stream is closed: at once if the client has disconnected, else after a wait.
   */
  async close(): Promise<void> {
    await this.#reading;
    await this.#outgoing.written;
    clearTimeout(this.#lingering);
    this.#reader.close();
    this.#outgoing.close();
    this.#exchanges.close();
    this.#stream.close();
  }

  async #read(): Promise<void> {
    try {
      this.#outgoing.sendPlain(this.#version);
      this.#outgoing.sendPlain(new TextEncoder().encode("\r\n"));
      for (let bytes = await this.#stream.read(); bytes; bytes = await this.#stream.read()) {
        // What comes after the end is read so that what we said last is not lost by a reset.
        if (this.#ended) continue;
        this.#countBytes(bytes.length);
        await this.#receive(bytes);
        // A client that only sends, and takes none of our answers, has to wait.
        if (this.#outgoing.bytes > MAX_PENDING) await this.#outgoing.written;
      }
    } catch (error) {
      this.#error ??= error as Error;
      const { reason = DisconnectReason.protocolError, message } = error as TransportError;
      this.disconnect(reason, message);
    }
    this.#end();
  }

  async #receive(bytes: Uint8Array): Promise<void> {
    if (this.#identification) {
      const identification = this.#identification.add(bytes);
      if (!identification) return;
      this.#identification = undefined;
      this.#exchanges.begin(identification.line);
      bytes = identification.rest;
    }
    this.#reader.add(bytes);
    while (!this.#ended) {
      // The first keys cost milliseconds: strangers wait for each other, and nobody for them.
      if (!this.#exchanges.established && isTurnOver()) {
        await nextTurnOfStrangers();
        continue;
      }
      const payload = this.#reader.next();
      if (!payload) break;
      // Of data the channel makes a copy.
      this.#handle(payload[0] === Message.channelData ? payload : new Uint8Array(payload));
      if (isTurnOver()) await nextTurn();
    }
  }

  /** Takes packets of up to 256 KiB instead of 35,000 bytes; for a client that is logged in. */
  allowLongPackets(): void {
    this.#reader.allowLongPackets();
  }

  /** Sends one packet; while keys are being exchanged it is kept back. */
  send(payload: Uint8Array): void {
    this.#send(payload);
  }

  /**
   * Sends data on a channel, at most the channel's window and packet size.
   *
   * @param extended the kind of extended data, 1 for stderr
   */
  sendData(channel: number, data: Uint8Array, extended?: number): void {
    const head = extended === undefined
      ? new Writer().byte(Message.channelData).uint32(channel)
      : new Writer().byte(Message.channelExtendedData).uint32(channel).uint32(extended);
    this.#send(head.uint32(data.length).bytes(), data);
  }

  /** Tells the client that the packet just received means nothing here (RFC 4253, section 11.4). */
  refusePacket(): void {
    const number = (this.#reader.sequence - 1) >>> 0;
    this.send(new Writer().byte(Message.unimplemented).uint32(number).bytes());
  }

  /** How much data a packet should have at most, in bytes, so that none holds others up for long. */
  get packetSize(): number {
    return this.#outgoing.packetSize;
  }

  /** Whether data can be sent now; otherwise {@link writable} tells when. */
  get isWritable(): boolean {
    return this.#ended || !this.#outgoing.isFull && !this.#exchanges.isHolding;
  }

  /** Resolves when data can be sent, or the connection has ended. */
  async writable(): Promise<void> {
    while (!this.isWritable) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Tells the client why (RFC 4253, section 11.1) and ends the connection. */
  disconnect(reason: number, description: string): void {
    if (this.#ended) return;
    this.#outgoing.send(
      new Writer().byte(Message.disconnect).uint32(reason).string(description).string("").bytes(),
    );
    this.#end();
  }

  #handle(payload: Uint8Array): void {
    const type = payload[0]!;
    if (type === Message.disconnect) return this.#end();
    if (this.#exchanges.receive(payload)) return this.#wake();
    const isIgnored = IGNORED.includes(type);
    if (!this.#exchanges.permits(isIgnored)) {
      throw new MalformedError(`the client sent message ${type} while exchanging keys`);
    }
    if (isIgnored || type === Message.extInfo) return;
    if (type < Message.userauthRequest && type !== Message.serviceRequest) this.refusePacket();
    else this.#onPacket(type, payload);
  }

  #send(...parts: Uint8Array[]): void {
    if (this.#ended) return;
    if (this.#exchanges.send(...parts)) return;
    this.#fail(new MalformedError("the client does not exchange keys"));
  }

  #countBytes(count: number): void {
    if (!this.#ended) this.#exchanges.count(count);
  }

  #wake(): void {
    if (!this.isWritable) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#end();
  }

  /** No packet goes out or comes in from here on; what is on its way out still goes. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lingering = setTimeout(() => this.#stream.close(), LINGER_MS);
    this.#wake();
    this.#over.resolve();
    this.#outgoing.written.then(() => this.#stream.end()).catch(() => {});
  }
}
