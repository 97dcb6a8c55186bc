/**
 * Memory to read into, handed out piece by piece: a small read does not cost a large buffer, and a
 * piece that was handed out is never written again.
 */
export class ReadBuffer {
  readonly #size: number;
  #free: Uint8Array;

  /** @param size of what is allocated at once, in bytes; a read is offered at least a quarter */
  constructor(size: number) {
    this.#size = size;
    this.#free = new Uint8Array(size);
  }

  /** What the next read may fill. */
  get space(): Uint8Array {
    if (this.#free.length < this.#size / 4) this.#free = new Uint8Array(this.#size);
    return this.#free;
  }

  /** Takes the first `count` bytes of {@link space}, which a read has filled. */
  take(count: number): Uint8Array {
    const taken = this.#free.subarray(0, count);
    this.#free = this.#free.subarray(count);
    return taken;
  }
}
