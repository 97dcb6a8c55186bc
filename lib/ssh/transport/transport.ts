import type { ByteStream } from "../../wire/byte_stream.ts";
import type { HostKey } from "../keys/host_key.ts";
import { DisconnectReason, Message } from "../protocol/numbers.ts";
import { MalformedError, Writer } from "../protocol/wire_format.ts";
import type { Opener } from "./ciphers/cipher.ts";
import { KeyExchange } from "./exchange/key_exchange.ts";
import { IdentificationReader } from "./identification.ts";
import { Outgoing } from "./outgoing.ts";
import { PacketReader } from "./packet_reader.ts";
import type { TransportError } from "./transport_error.ts";
import { isTurnOver, nextTurn } from "./turn.ts";

/** How many bytes may wait, answers included, before nothing more is read. */
const MAX_PENDING = 1024 * 1024;

/** What a packet counts, besides its payload, while it waits for new keys, in bytes. */
const HELD_PACKET_BYTES = 100;

/** Bytes after which keys are exchanged again (RFC 4253, section 9). */
const REKEY_BYTES = 1024 ** 3;

/** How long the client has to take what we sent last and to close, in milliseconds. */
const LINGER_MS = 2000;

/** Signatures that clients may log in with, told to them by server-sig-algs (RFC 8308). */
export const SIGNATURE_ALGORITHMS = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

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
  readonly #hostKeys: readonly HostKey[];
  readonly #rekeyBytes: number;
  readonly #version: Uint8Array;
  readonly #identification = new IdentificationReader();
  /** The client's, once it has come. */
  #clientVersion?: Uint8Array;
  readonly #reader = new PacketReader();
  readonly #outgoing: Outgoing;
  #onPacket: PacketHandler = () => {};

  #sessionId?: Uint8Array;
  #hostKeyAlgorithm = "";
  /** The exchange of keys that is under way. */
  #exchange?: KeyExchange;
  /** What the client uses from its SSH_MSG_NEWKEYS on, which is yet to come. */
  #nextOpener?: Opener;
  /** Packets that wait for the new keys. */
  #held: Uint8Array[][] = [];
  #heldBytes = 0;
  /** Set once the client uses its first keys. */
  #established = false;
  /** Whether both sides follow the strict rules, as agreed on in the first exchange. */
  #strict = false;
  #bytesSinceKeys = 0;

  #waiting: (() => void)[] = [];
  #reading?: Promise<void>;
  #lingering?: ReturnType<typeof setTimeout>;
  #ended = false;
  readonly #over = Promise.withResolvers<void>();
  #error?: Error;

  constructor(stream: ByteStream, options: TransportOptions) {
    const { hostKeys, version, rekeyBytes = REKEY_BYTES } = options;
    this.#stream = stream;
    this.#outgoing = new Outgoing(stream, {
      onWritten: (count) => {
        this.#countBytes(count);
        this.#wake();
      },
      onError: (error) => this.#fail(error),
    });
    this.#hostKeys = hostKeys;
    this.#rekeyBytes = rekeyBytes;
    // By this prefix OpenSSH's client knows that it may send eow@openssh.com; without that
    // `ssh host yes | head` never ends.
    this.#version = new TextEncoder().encode(`SSH-2.0-OpenSSH_Converge_${version}`);
  }

  /** The session identifier (RFC 4253, section 7.2); there is one once packets come. */
  get sessionId(): Uint8Array {
    return this.#sessionId!;
  }

  /** The signature of the host key that was agreed on last, for instance `rsa-sha2-256`. */
  get hostKeyAlgorithm(): string {
    return this.#hostKeyAlgorithm;
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
    this.#nextOpener?.close();
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
    if (!this.#clientVersion) {
      const identification = this.#identification.add(bytes);
      if (!identification) return;
      this.#clientVersion = identification.line;
      this.#startExchange();
      bytes = identification.rest;
    }
    this.#reader.add(bytes);
    while (!this.#ended) {
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

  /** Whether data can be sent now; otherwise {@link writable} tells when. */
  get isWritable(): boolean {
    return this.#ended || !this.#outgoing.isFull && !this.#isHolding;
  }

  /** Resolves when data can be sent, or the connection has ended. */
  async writable(): Promise<void> {
    while (!this.isWritable) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Tells the client why (RFC 4253, section 11.1) and ends the connection. */
  disconnect(reason: number, description: string): void {
    if (this.#ended) return;
    this.#sendNow(
      new Writer().byte(Message.disconnect).uint32(reason).string(description).string("").bytes(),
    );
    this.#end();
  }

  #handle(payload: Uint8Array): void {
    const type = payload[0]!;
    switch (type) {
      case Message.disconnect:
        return this.#end();
      case Message.kexinit:
        return this.#receiveInit(payload);
      case Message.newKeys:
        return this.#useNewOpener();
    }
    if (type >= Message.exchangeInit && type < Message.userauthRequest) {
      return this.#receiveExchange(payload);
    }
    const isExchanging = !this.#established || this.#exchange?.agreement !== undefined;
    const isIgnored = IGNORED.includes(type) && !(this.#strict && !this.#established);
    if (isExchanging && !isIgnored) {
      throw new MalformedError(`the client sent message ${type} while exchanging keys`);
    }
    if (isIgnored || type === Message.extInfo) return;
    if (type < Message.userauthRequest && type !== Message.serviceRequest) this.refusePacket();
    else this.#onPacket(type, payload);
  }

  /** Sends our SSH_MSG_KEXINIT; what else is sent has to wait for the new keys. */
  #startExchange(): void {
    this.#exchange = new KeyExchange({
      hostKeys: this.#hostKeys,
      clientVersion: this.#clientVersion!,
      serverVersion: this.#version,
      sessionId: this.#sessionId,
    });
    this.#sendNow(this.#exchange.init);
  }

  #receiveInit(payload: Uint8Array): void {
    if (this.#exchange?.agreement) {
      throw new MalformedError("the client sent SSH_MSG_KEXINIT twice");
    }
    if (!this.#exchange) this.#startExchange();
    const { strict } = this.#exchange!.receiveInit(payload);
    if (this.#established) return;
    this.#strict = strict;
    if (strict && this.#reader.sequence !== 1) {
      throw new MalformedError("the client did not begin with SSH_MSG_KEXINIT");
    }
  }

  #receiveExchange(payload: Uint8Array): void {
    const agreement = this.#exchange?.agreement;
    if (!agreement || this.#nextOpener) {
      throw new MalformedError("a key exchange message that is not expected");
    }
    const keys = this.#exchange!.receive(payload);
    if (!keys) return;
    this.#sendNow(keys.reply);
    this.#sendNow(Uint8Array.of(Message.newKeys));
    this.#outgoing.setSealer(keys.sealer, this.#strict);
    this.#nextOpener = keys.opener;
    this.#sessionId = keys.sessionId;
    this.#hostKeyAlgorithm = agreement.hostKeyAlgorithm;
    if (!this.#established && agreement.wantsExtInfo) this.#sendNow(extInfo());
    for (const parts of this.#held.splice(0)) this.#sendNow(...parts);
    this.#heldBytes = 0;
    this.#bytesSinceKeys = 0;
    this.#wake();
  }

  #useNewOpener(): void {
    if (!this.#nextOpener) throw new MalformedError("the client sent SSH_MSG_NEWKEYS too early");
    this.#reader.setOpener(this.#nextOpener, this.#strict);
    this.#nextOpener = undefined;
    this.#exchange = undefined;
    this.#established = true;
  }

  /** Whether our SSH_MSG_KEXINIT is out and our SSH_MSG_NEWKEYS is not. */
  get #isHolding(): boolean {
    return this.#exchange !== undefined && this.#nextOpener === undefined;
  }

  #send(...parts: Uint8Array[]): void {
    if (this.#ended) return;
    if (!this.#isHolding) return this.#sendNow(...parts);
    this.#heldBytes += HELD_PACKET_BYTES;
    for (const { length } of parts) this.#heldBytes += length;
    if (this.#heldBytes > MAX_PENDING) {
      return this.#fail(new MalformedError("the client does not exchange keys"));
    }
    this.#held.push(parts.map((part) => new Uint8Array(part)));
  }

  #sendNow(...parts: Uint8Array[]): void {
    this.#outgoing.send(...parts);
  }

  #countBytes(count: number): void {
    this.#bytesSinceKeys += count;
    if (this.#bytesSinceKeys <= this.#rekeyBytes) return;
    if (this.#established && !this.#exchange && !this.#ended) this.#startExchange();
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

/** Tells the client which signatures it may log in with (RFC 8308, section 3.1). */
function extInfo(): Uint8Array {
  return new Writer().byte(Message.extInfo).uint32(1)
    .string("server-sig-algs").string(SIGNATURE_ALGORITHMS.join(",")).bytes();
}
