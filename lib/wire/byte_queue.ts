import { giveBack, takeBlock } from "./blocks.ts";

/** The sizes of blocks, in bytes: powers of two between these. */
export const LEAST_BLOCK = 4 * 1024;
const MOST_BLOCK = 256 * 1024;

/**
 * Bytes that wait for their reader: a copy of what was added, joined to large pieces, in memory that
 * is used again. That is at most a few times as much as the bytes, and 4 KiB.
 */
export class ByteQueue {
  readonly #blocks: { bytes: Uint8Array<ArrayBuffer>; length: number }[] = [];
  #taken?: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes, which stay the caller's. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      let last = this.#blocks.at(-1);
      if (!last || last.length === last.bytes.length) {
        last = { bytes: takeBlock(this.#blockSize(bytes.length - at)), length: 0 };
        this.#blocks.push(last);
      }
      const part = bytes.subarray(at, at + last.bytes.length - last.length);
      last.bytes.set(part, last.length);
      last.length += part.length;
      this.#length += part.length;
      at += part.length;
    }
  }

  /** Takes the oldest bytes, or undefined if there are none; they are good until the next call. */
  take(): Uint8Array | undefined {
    if (this.#taken) giveBack(this.#taken);
    const first = this.#blocks.shift();
    this.#taken = first?.bytes;
    this.#length -= first?.length ?? 0;
    return first?.bytes.subarray(0, first.length);
  }

  /** Drops what waits. What was taken stays good. */
  clear(): void {
    for (const { bytes } of this.#blocks.splice(0)) giveBack(bytes);
    this.#length = 0;
  }

  /** Larger, the more there is: large ones are for streams, and there may be thousands of queues. */
  #blockSize(needed: number): number {
    const wanted = Math.min(Math.max(needed, this.#length, LEAST_BLOCK), MOST_BLOCK);
    return 2 ** Math.ceil(Math.log2(wanted));
  }
}
