import { Buffer } from "node:buffer";
import type { ByteStream } from "../../wire/byte_stream.ts";
import { freeCiphers } from "./ciphers.ts";
import { DisconnectReason, Message } from "../protocol/numbers.ts";
import { createOffer, cryptoReady, mend, type PrivateKey, Protocol, sendPacket } from "./ssh2.ts";
import { isTurnOver, nextTurn } from "./turn.ts";
import { Writer } from "../protocol/wire_format.ts";

/** Output that waits for the stream before {@link Transport.writable} holds data back, in bytes. */
const HIGH_WATER = 1024 * 1024;

/** How much is written to the stream at once, in bytes. */
const BATCH = 256 * 1024;

/** Bytes after which keys are exchanged again (RFC 4253, section 9). */
const REKEY_BYTES = 1024 ** 3;

/** How long the client has to take our last words and to close, in milliseconds. */
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

export interface TransportOptions {
  hostKey: PrivateKey;
  /** The version that the server tells the client. */
  version: string;
  /** Bytes, both ways together, after which keys are exchanged again. @default 1 GiB */
  rekeyBytes?: number;
}

/** Takes one packet; what it throws ends the connection as a protocol error. */
export type PacketHandler = (type: number, payload: Uint8Array) => void;

/**
 * The encrypted packets of one connection (RFC 4253) on a byte stream.
 *
 * All that ssh2 writes in one turn goes to the stream as one piece: it writes each packet in three or
 * four pieces, which as many websocket frames or TCP segments would make slow.
 */
export class Transport {
  readonly #stream: ByteStream;
  readonly #protocol: Protocol;
  readonly #rekeyBytes: number;
  #onPacket: PacketHandler = () => {};
  #pending: Uint8Array[] = [];
  /** Where pieces are put together, over and over. */
  readonly #batch = new Uint8Array(BATCH);
  #pendingBytes = 0;
  #flushing?: Promise<void>;
  #waiting: (() => void)[] = [];
  #bytesSinceKeys = 0;
  #reading?: Promise<void>;
  #lingering?: ReturnType<typeof setTimeout>;
  #ended = false;
  readonly #over = Promise.withResolvers<void>();
  #error?: Error;
  /** What the client calls itself; empty until it said so. */
  clientVersion = "";

  constructor(stream: ByteStream, options: TransportOptions) {
    const { hostKey, version, rekeyBytes = REKEY_BYTES } = options;
    this.#stream = stream;
    this.#rekeyBytes = rekeyBytes;
    this.#protocol = new Protocol({
      server: true,
      // By the prefix OpenSSH's client knows that it may send eow@openssh.com; without that
      // `ssh host yes | head` never ends.
      ident: `OpenSSH_Converge_${version}`,
      hostKeys: { [hostKey.type]: hostKey },
      offer: createOffer([hostKey.type]),
      onWrite: (bytes) => this.#enqueue(bytes),
      onError: (error) => this.#fail(error),
      onHeader: (header) => this.clientVersion = header.versions.software,
      messageHandlers: { DISCONNECT: () => this.#end() },
    });
    this.#takeOver();
  }

  /** The session identifier (RFC 4253, section 7.2). */
  get sessionId(): Uint8Array {
    return this.#protocol._kex!.sessionID;
  }

  /**
   * Handles packets until the connection has ended, by either side, then resolves to the error that
   * ended it, if one did. What is still on its way to the client then has {@link close} to wait for it.
   *
   * @param onPacket gets each packet from service requests on, key exchange and such left out
   */
  async run(onPacket: PacketHandler): Promise<Error | undefined> {
    this.#onPacket = onPacket;
    this.#reading = this.#read();
    await this.#over.promise;
    return this.#error;
  }

  /** Resolves when the stream is closed: at once if the client has gone, else after it, or a short wait. */
  async close(): Promise<void> {
    await this.#reading;
    await this.#flushing;
    clearTimeout(this.#lingering);
    this.#protocol.cleanup();
    this.#stream.close();
  }

  async #read(): Promise<void> {
    try {
      await cryptoReady;
      this.#protocol.start();
      for (let bytes = await this.#stream.read(); bytes; bytes = await this.#stream.read()) {
        // What comes after the end is read so that what we said last is not lost by a reset.
        if (this.#ended) continue;
        this.#countBytes(bytes.length);
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        this.#protocol.parse(buffer, 0, buffer.length);
        // A client that only sends, and takes none of our answers, has to wait.
        if (this.#pendingBytes > HIGH_WATER) await this.#flushing;
        if (isTurnOver()) await nextTurn();
      }
    } catch (error) {
      this.#error ??= error as Error;
      this.disconnect(DisconnectReason.protocolError, (error as Error).message);
    }
    this.#end();
  }

  /** Sends one packet; while keys are being exchanged it is kept back. */
  send(payload: Uint8Array): void {
    if (this.#ended) return;
    const { write } = this.#protocol._packetRW;
    const packet = write.alloc(payload.length);
    packet.set(payload, write.allocStart);
    sendPacket(this.#protocol, write.finalize(packet));
  }

  /**
   * Sends data on a channel, at most the channel's window and packet size.
   *
   * @param extended the kind of extended data, 1 for stderr
   */
  sendData(channel: number, data: Uint8Array, extended?: number): void {
    if (this.#ended) return;
    const buffer = Buffer.from(data.buffer, data.byteOffset, data.length);
    if (extended === undefined) this.#protocol.channelData(channel, buffer);
    else this.#protocol.channelExtData(channel, buffer, extended);
  }

  /** Tells the client that the packet just received means nothing here (RFC 4253, section 11.4). */
  refusePacket(): void {
    const number = (this.#protocol._decipher.inSeqno - 1) >>> 0;
    this.send(new Writer().byte(Message.unimplemented).uint32(number).bytes());
  }

  /** Whether data can be sent now; otherwise {@link writable} tells when. */
  get isWritable(): boolean {
    return this.#ended ||
      (this.#pendingBytes < HIGH_WATER && this.#protocol._kexinit === undefined);
  }

  /** Resolves when data can be sent, or the connection has ended. */
  async writable(): Promise<void> {
    while (!this.isWritable) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Tells the client why (RFC 4253, section 11.1) and ends the connection. */
  disconnect(reason: number, description: string): void {
    if (this.#ended) return;
    const message = new Writer().byte(Message.disconnect).uint32(reason).string(description).string(
      "",
    )
      .bytes();
    const { write } = this.#protocol._packetRW;
    const packet = write.alloc(message.length, true);
    packet.set(message, write.allocStartKEX);
    sendPacket(this.#protocol, write.finalize(packet, true), true);
    this.#end();
  }

  /** Puts our own handling of packets in the place of ssh2's, from the first encrypted one on. */
  #takeOver(): void {
    const protocol = this.#protocol;
    mend(protocol);
    freeCiphers(protocol);
    const lowPacket = protocol._onPayload;
    protocol._onPayload = (payload) => {
      const type = payload[0];
      if (type === undefined) return;
      if (type < Message.userauthRequest && type !== Message.serviceRequest) {
        return lowPacket(payload);
      }
      this.#onPacket(type, payload);
      if (this.#ended) return Infinity;
    };
    const keysExchanged = protocol._onHandshakeComplete;
    let first = true;
    protocol._onHandshakeComplete = (...args) => {
      const wantsExtInfo = first && protocol._kex!.remoteExtInfoEnabled;
      first = false;
      // ssh2's own list has a typing error and names SHA-1 and DSA.
      protocol._kex!.remoteExtInfoEnabled = false;
      keysExchanged(...args);
      if (wantsExtInfo) {
        this.send(
          new Writer().byte(Message.extInfo).uint32(1).string("server-sig-algs")
            .string(SIGNATURE_ALGORITHMS.join(",")).bytes(),
        );
      }
      this.#bytesSinceKeys = 0;
      this.#wake();
    };
  }

  #enqueue(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#flushing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    // The rest of this turn's writes joins in.
    await Promise.resolve();
    try {
      while (this.#pending.length > 0) {
        const batch = this.#takeBatch();
        await this.#stream.write(batch);
        this.#pendingBytes -= batch.length;
        this.#countBytes(batch.length);
        this.#wake();
      }
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#flushing = undefined;
  }

  /** What waits, or as much as is written at once, as one piece; good until the next call. */
  #takeBatch(): Uint8Array {
    let length = 0, count = 0;
    for (const piece of this.#pending) {
      if (length + piece.length > BATCH) break;
      this.#batch.set(piece, length);
      length += piece.length;
      count++;
    }
    if (count === 0) return this.#pending.shift()!;
    this.#pending.splice(0, count);
    return this.#batch.subarray(0, length);
  }

  #countBytes(count: number): void {
    this.#bytesSinceKeys += count;
    if (this.#bytesSinceKeys > this.#rekeyBytes && !this.#ended) {
      this.#bytesSinceKeys = 0;
      this.#protocol.rekey();
    }
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
    (this.#flushing ?? Promise.resolve()).then(() => this.#stream.end()).catch(() => {});
  }
}
