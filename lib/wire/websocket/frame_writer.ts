import { giveBack, takeBlock } from "../blocks.ts";
import { type RawConnection, writeAll } from "../raw_connection.ts";
import { encodeFrame, frameLength, Opcode, writeFrame } from "./frame.ts";

/** `send()` holds back while more than this waits to be written, in bytes. */
const MAX_UNSENT = 1024 * 1024;
/** How much is written at once, in bytes; small frames are joined to that. */
const BATCH = 272 * 1024;
/** The same while no more than this waits, in bytes: there may be hundreds of connections. */
const SMALL_BATCH = 8 * 1024;

/** How many pings may wait for their answers; beyond it the oldest one gets none. */
const MAX_PONGS = 16;

/** Frames that are written together. */
interface Batch {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;
}

/**
 * Writes a websocket's frames in order and bounded; pings and pongs overtake messages, a close
 * frame comes last.
 */
export class FrameWriter {
  readonly #transport: RawConnection;
  /** Messages, oldest first; the last one may have room for more. */
  #batches: Batch[] = [];
  /** Of the batches and of what is being written. */
  #unsent = 0;
  #pongs: Uint8Array[] = [];
  #ping = false;
  #close: Uint8Array | undefined;
  #closeSent = false;
  #written = 0;
  #writing = false;
  #error: Error | undefined;
  #progress: PromiseWithResolvers<void> | undefined;

  /** Called once: the close frame is written (no error), or writing failed. */
  readonly #onEnd: (error?: Error) => void;

  constructor(transport: RawConnection, onEnd: (error?: Error) => void) {
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

  /** Whether messages wait for the transport to take them. */
  get behind(): boolean {
    return this.#unsent > 0;
  }

  /** What writing failed with, if it has. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Sends a message; resolves when it takes more.
   *
   * @throws {Error} if writing failed
   */
  async send(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    const length = frameLength(payload.length);
    const batch = this.#room(length);
    writeFrame(batch.bytes, batch.length, { opcode, payload });
    batch.length += length;
    this.#unsent += length;
    this.#write();
    while (this.#unsent > MAX_UNSENT) await this.#whenProgress();
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    this.#ping = true;
    this.#write();
  }

  /** Answers a ping, of those that wait the newest ones only (RFC 6455, section 5.5.3). */
  pong(payload: Uint8Array): void {
    if (this.#pongs.push(encodeFrame(Opcode.pong, payload)) > MAX_PONGS) this.#pongs.shift();
    this.#write();
  }

  /** Sends a close frame behind all messages; the first one counts. */
  close(payload: Uint8Array): void {
    this.#close ??= payload;
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
    for (const { bytes } of this.#batches.splice(0)) giveBack(bytes);
    this.#progress?.reject(this.#error);
    this.#progress = undefined;
  }

  /** Resolves when something was written. */
  #whenProgress(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    this.#progress ??= Promise.withResolvers();
    return this.#progress.promise;
  }

  /** A batch with room for `length` bytes. */
  #room(length: number): Batch {
    const last = this.#batches.at(-1);
    if (last && last.bytes.length - last.length >= length) return last;
    const size = this.#unsent + length <= SMALL_BATCH ? SMALL_BATCH : Math.max(length, BATCH);
    const batch = { bytes: takeBlock(size), length: 0 };
    this.#batches.push(batch);
    return batch;
  }

  /** The next frame that overtakes messages. A peer that is answered need not be asked. */
  #takeControl(): Uint8Array | undefined {
    const pong = this.#pongs.shift();
    const ping = this.#ping;
    this.#ping = false;
    if (pong !== undefined) return pong;
    if (ping) return encodeFrame(Opcode.ping, new Uint8Array());
  }

  #write(): void {
    if (this.#writing || this.#closeSent || this.#error !== undefined) return;
    this.#writing = true;
    void this.#writeFrames();
  }

  async #writeFrames(): Promise<void> {
    try {
      while (this.#error === undefined && !this.#closeSent) {
        const control = this.#takeControl();
        if (control !== undefined) await this.#writeAll(control);
        // At once, so that a peer that pings without end does not hold messages up.
        const batch = this.#batches.shift();
        if (batch !== undefined) {
          await this.#writeAll(batch.bytes.subarray(0, batch.length));
          this.#unsent -= batch.length;
          giveBack(batch.bytes);
        } else if (this.#close !== undefined) {
          await this.#writeAll(encodeFrame(Opcode.close, this.#close));
          this.#closeSent = true;
        } else if (control === undefined) {
          break;
        }
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

  #writeAll(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#transport, bytes, (count) => this.#written += count);
  }
}
