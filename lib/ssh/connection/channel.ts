import { ByteQueue } from "../../wire/byte_queue.ts";
import type { Channel } from "./handler.ts";
import { Message } from "../protocol/numbers.ts";
import type { ReceiveWindow } from "./receive_window.ts";
import type { SendQueue, SendShare } from "./send_queue.ts";
import type { Transport } from "../transport/transport.ts";
import { MalformedError, Writer } from "../protocol/wire_format.ts";

/** The most data in a packet, in either direction (RFC 4253, section 6.1), in bytes. */
export const CHANNEL_PACKET = 32 * 1024;

/** The largest window there is (RFC 4254, section 5.2). */
const MAX_WINDOW = 2 ** 32 - 1;

/** The two sides' numbers of a channel, and how much the client takes. */
export interface ChannelLimits {
  localId: number;
  remoteId: number;
  /** Bytes that we may send before the client asks for more. */
  window: number;
  /** The most data in a packet that the client takes. */
  packetSize: number;
}

/** What a channel shares with the others of its connection. */
export interface ChannelFlow {
  queue: SendQueue;
  incoming: ReceiveWindow;
}

/** A channel on a transport. Handlers see {@link Channel}, the connection calls the rest. */
export class TransportChannel implements Channel {
  readonly #transport: Transport;
  readonly #remoteId: number;
  readonly #packetSize: number;
  readonly localId: number;
  readonly closed: Promise<Error | undefined>;
  #resolveClosed!: (error: Error | undefined) => void;

  readonly #received = new ByteQueue();
  #receivedEnd = false;
  /** Wakes `read()`. */
  #wakeReader?: () => void;
  readonly #incoming: ReceiveWindow;

  readonly #queue: SendQueue;
  readonly #share: SendShare = { sent: 0 };
  #outgoingWindow: number;
  #wakeWriters: (() => void)[] = [];
  #sentEnd = false;
  #sentClose = false;
  #done = false;

  constructor(transport: Transport, limits: ChannelLimits, { queue, incoming }: ChannelFlow) {
    this.#transport = transport;
    this.#queue = queue;
    this.#incoming = incoming;
    this.localId = limits.localId;
    this.#remoteId = limits.remoteId;
    this.#outgoingWindow = limits.window;
    this.#packetSize = Math.min(limits.packetSize, CHANNEL_PACKET);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  async read(): Promise<Uint8Array | null> {
    let bytes: Uint8Array | undefined;
    while (!(bytes = this.#received.take())) {
      if (this.#receivedEnd) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    if (!this.#receivedEnd) {
      const more = this.#incoming.read(bytes.length);
      if (more > 0) this.#send(Message.channelWindowAdjust, (message) => message.uint32(more));
    }
    return bytes;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#write(bytes);
  }

  writeStderr(bytes: Uint8Array): Promise<void> {
    return this.#write(bytes, 1);
  }

  async #write(bytes: Uint8Array, extended?: number): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      if (this.#sentEnd || this.#sentClose) throw new Error("cannot write: the channel is closed");
      if (this.#outgoingWindow === 0) {
        await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
        continue;
      }
      const packetSize = Math.min(this.#packetSize, this.#transport.packetSize);
      const length = Math.min(bytes.length - start, this.#outgoingWindow, packetSize);
      this.#outgoingWindow -= length;
      const data = bytes.subarray(start, start + length);
      const wait = this.#queue.send(this.#share, length, () => {
        if (this.#sentEnd || this.#sentClose) return;
        this.#transport.sendData(this.#remoteId, data, extended);
      });
      if (wait) await wait;
      start += length;
    }
  }

  end(): Promise<void> {
    if (!this.#sentEnd && !this.#sentClose) {
      this.#sentEnd = true;
      this.#send(Message.channelEof);
      this.#wakeAll();
    }
    return Promise.resolve();
  }

  request(type: string, data?: Uint8Array): void {
    if (this.#sentClose) return;
    this.#send(Message.channelRequest, (message) => {
      message.string(type).boolean(false);
      if (data) message.raw(data);
    });
  }

  close(_error?: Error): void {
    if (this.#sentClose) return;
    this.#sentClose = true;
    this.#received.clear();
    this.#receivedEnd = true;
    this.#send(Message.channelClose);
    this.#wakeAll();
  }

  /** Answers the client's request. */
  reply(success: boolean): void {
    if (!this.#sentClose) this.#send(success ? Message.channelSuccess : Message.channelFailure);
  }

  /**
   * Takes data from the client, a copy.
   *
   * @throws {MalformedError} if it is more than the window
   */
  receive(data: Uint8Array): void {
    if (!this.#incoming.receive(data.length)) {
      throw new MalformedError("more data than the channel's window");
    }
    if (this.#receivedEnd || data.length === 0) return;
    this.#received.add(data);
    this.#wakeReader?.();
  }

  /** The client sends no more. */
  receiveEnd(): void {
    this.#receivedEnd = true;
    this.#wakeReader?.();
  }

  /** The client takes `bytes` more. */
  receiveWindow(bytes: number): void {
    this.#outgoingWindow = Math.min(this.#outgoingWindow + bytes, MAX_WINDOW);
    this.#wakeAll();
  }

  /** The client has closed the channel, or the connection has ended. */
  receiveClose(error?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#incoming.close();
    this.#receivedEnd = true;
    if (!this.#sentClose) {
      this.#sentClose = true;
      this.#send(Message.channelClose);
    }
    this.#wakeAll();
    this.#resolveClosed(error);
  }

  #send(type: number, fill?: (message: Writer) => void): void {
    const message = new Writer().byte(type).uint32(this.#remoteId);
    fill?.(message);
    this.#transport.send(message.bytes());
  }

  #wakeAll(): void {
    this.#wakeReader?.();
    for (const resolve of this.#wakeWriters.splice(0)) resolve();
  }
}
