import type { Transport } from "./http_upgrade.ts";
import { frameLength, Opcode, writeFrame } from "./websocket_frame.ts";

/** `send()` holds back while more than this waits to be written, in bytes. */
const MAX_UNSENT = 1024 * 1024;
/** How much is written at once, in bytes; small frames are joined to that. */
const MAX_BATCH = 256 * 1024;

/** A frame that waits to be written. */
interface WaitingFrame {
  opcode: number;
  payload: Uint8Array;
}

/**
 * Writes a websocket's frames in order and bounded; pings and pongs overtake messages, a close frame
 * comes last.
 */
export class FrameWriter {
  readonly #transport: Transport;
  #frames: WaitingFrame[] = [];
  /** Of the frames and of what is being written. */
  #unsent = 0;
  #pong: WaitingFrame | undefined;
  #ping: WaitingFrame | undefined;
  #close: WaitingFrame | undefined;
  /** Where large batches are made, one after the other. */
  #large = new Uint8Array(0);
  #closeSent = false;
  #written = 0;
  #writing = false;
  #error: Error | undefined;
  #progress: PromiseWithResolvers<void> | undefined;

  /** Called once: the close frame is written (no error), or writing failed. */
  readonly #onEnd: (error?: Error) => void;

  constructor(transport: Transport, onEnd: (error?: Error) => void) {
    this.#transport = transport;
    this.#onEnd = onEnd;
  }

  /** Whether a close frame is sent or about to be. */
  get closing(): boolean {
    return this.#close !== undefined;
  }

  /** Whether the close frame is written. */
  get closed(): boolean {
    return this.#closeSent;
  }

  /** How many bytes the transport has taken. */
  get written(): number {
    return this.#written;
  }

  /** What writing failed with, if it has. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Sends a message; resolves when it takes more.
   *
   * @param payload not to be changed afterwards
   * @throws {Error} if writing failed
   */
  async send(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    this.#frames.push({ opcode, payload });
    this.#unsent += frameLength(payload.length);
    this.#write();
    while (this.#unsent > MAX_UNSENT) await this.#whenProgress();
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    this.#ping = { opcode: Opcode.ping, payload: new Uint8Array(0) };
    this.#write();
  }

  /** Answers a ping; only the newest is answered (RFC 6455, section 5.5.3). */
  pong(payload: Uint8Array): void {
    this.#pong = { opcode: Opcode.pong, payload };
    this.#write();
  }

  /** Sends a close frame behind all messages; the first one counts. */
  close(payload: Uint8Array): void {
    this.#close ??= { opcode: Opcode.close, payload };
    this.#write();
  }

  /**
   * Resolves when the close frame is written.
   *
   * @throws {Error} if writing failed
   */
  async whenClosed(): Promise<void> {
    while (!this.#closeSent) await this.#whenProgress();
  }

  /** Writes no more. */
  stop(error: Error): void {
    this.#error ??= error;
    this.#frames = [];
    this.#progress?.reject(this.#error);
    this.#progress = undefined;
  }

  /** Resolves when something was written. */
  #whenProgress(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    this.#progress ??= Promise.withResolvers();
    return this.#progress.promise;
  }

  /** Takes out what is to be written next. */
  #nextBatch(): { bytes: Uint8Array; last: boolean } | undefined {
    if (this.#closeSent || this.#error !== undefined) return undefined;
    const batch = [this.#pong, this.#ping].filter((frame) => frame !== undefined);
    this.#pong = this.#ping = undefined;
    let length = 0;
    let count = 0;
    while (count < this.#frames.length && length < MAX_BATCH) {
      length += frameLength(this.#frames[count++]!.payload.length);
    }
    batch.push(...this.#frames.splice(0, count));
    const last = this.#close !== undefined && this.#frames.length === 0;
    if (last) batch.push(this.#close!);
    if (batch.length === 0) return undefined;
    return { bytes: this.#encode(batch), last };
  }

  /** The frames as bytes, good until the next call. */
  #encode(frames: WaitingFrame[]): Uint8Array {
    const length = frames.reduce((sum, { payload }) => sum + frameLength(payload.length), 0);
    let bytes = this.#large;
    if (length < MAX_BATCH / 4) bytes = new Uint8Array(length);
    else if (length > bytes.length) {
      bytes = this.#large = new Uint8Array(Math.max(length, MAX_BATCH));
    }
    let end = 0;
    for (const frame of frames) end = writeFrame(bytes, end, frame);
    return bytes.subarray(0, end);
  }

  #write(): void {
    if (this.#writing || this.#closeSent || this.#error !== undefined) return;
    this.#writing = true;
    void this.#writeFrames();
  }

  async #writeFrames(): Promise<void> {
    try {
      for (let batch = this.#nextBatch(); batch !== undefined; batch = this.#nextBatch()) {
        for (let at = 0; at < batch.bytes.length;) {
          const count = await this.#transport.write(batch.bytes.subarray(at));
          at += count;
          this.#written += count;
        }
        this.#closeSent = batch.last;
        this.#unsent = this.#frames.reduce(
          (sum, { payload }) => sum + frameLength(payload.length),
          0,
        );
        this.#progress?.resolve();
        this.#progress = undefined;
      }
      this.#writing = false;
      if (this.#closeSent) this.#onEnd();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.stop(new Error(`the connection was lost: ${why}`, { cause: error }));
      this.#onEnd(this.#error);
    }
  }
}
