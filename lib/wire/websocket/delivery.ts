/** Takes what has come, bytes until it returns; may return when more is wanted. */
export type Sink = (message: string | Uint8Array) => void | Promise<void>;

/**
 * Gives messages to a sink as they come. Bytes that were cut out of the same memory, one behind the
 * other, are joined in that: there are as few pieces as there were reads.
 */
export class Delivery {
  readonly #sink: Sink;
  #joined: Uint8Array | undefined;
  #wanted: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Adds text, or a part of a stream, which may be overwritten from here on. */
  add(message: string | Uint8Array): void {
    if (typeof message === "string") {
      this.flush();
      this.#give(message);
    } else if (message.length > 0) {
      this.#addPart(message);
    }
  }

  #addPart(part: Uint8Array): void {
    const { buffer, byteOffset, length } = this.#joined ?? new Uint8Array();
    if (part.buffer !== buffer || part.byteOffset < byteOffset + length) {
      this.flush();
      this.#joined = part;
    } else {
      this.#joined = new Uint8Array(buffer, byteOffset, length + part.length);
      this.#joined.set(part, length);
    }
  }

  /** Gives out what is there: its memory is about to be used again. */
  flush(): void {
    const joined = this.#joined;
    this.#joined = undefined;
    if (joined) this.#give(joined);
  }

  #give(message: string | Uint8Array): void {
    this.#wanted = this.#sink(message) ?? this.#wanted;
  }

  /** Resolves when more is wanted. */
  async whenWanted(): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    await wanted;
  }
}
