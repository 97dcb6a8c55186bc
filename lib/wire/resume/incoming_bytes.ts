import { ProtocolError } from "../../protocol/messages.ts";
import { ByteQueue } from "../byte_queue.ts";

/** One direction of a resumable stream, at its receiver: what has come until it is read. */
export class IncomingBytes {
  readonly #window: number;
  readonly #queue = new ByteQueue();
  #received = 0;
  #complete = false;
  #ended?: { error?: Error };
  #reader?: PromiseWithResolvers<void>;

  /** @param window how many bytes may be sent and not taken */
  constructor(window: number) {
    this.#window = window;
  }

  /** How many bytes have come on all connections. */
  get received(): number {
    return this.#received;
  }

  /** How many bytes have been read. */
  get taken(): number {
    return this.#received - this.#queue.length;
  }

  /** Whether the end of file has come. */
  get complete(): boolean {
    return this.#complete;
  }

  /**
   * Takes bytes from a connection; those that came on an earlier one are dropped.
   *
   * @param offset where in the stream they begin
   * @throws {ProtocolError} if they may not come
   */
  add(offset: number, bytes: Uint8Array): void {
    const fresh = bytes.subarray(Math.min(this.#received - offset, bytes.length));
    if (fresh.length === 0 || this.#ended) return;
    if (this.#complete) throw new ProtocolError("bytes after the end of file");
    if (this.#queue.length + fresh.length > this.#window) {
      throw new ProtocolError("more bytes than the window allows");
    }
    this.#queue.add(fresh);
    this.#received += fresh.length;
    this.#wake();
  }

  /**
   * The end of file has come, maybe once more.
   *
   * @throws {ProtocolError} if bytes before it are missing
   */
  finish(offset: number): void {
    if (offset !== this.#received) throw new ProtocolError("an end of file at the wrong place");
    this.#complete = true;
    this.#wake();
  }

  /** See `ByteStream.read()`. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.#queue.take();
      if (bytes) return bytes;
      if (this.#ended?.error && !this.#complete) throw this.#ended.error;
      if (this.#ended || this.#complete) return null;
      this.#reader = Promise.withResolvers();
      await this.#reader.promise;
    }
  }

  /** Nothing more comes: what has come can be read, then the error. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#wake();
  }

  /** Nothing more is read. */
  drop(): void {
    this.#queue.clear();
    this.end();
  }

  #wake(): void {
    this.#reader?.resolve();
  }
}
