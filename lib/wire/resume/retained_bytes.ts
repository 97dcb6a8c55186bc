import { giveBack, takeBlock } from "../blocks.ts";

/** The sizes of blocks, in bytes: powers of two between these. */
const LEAST_BLOCK = 4 * 1024;
const MOST_BLOCK = 64 * 1024;

/** A block, and where in the stream its bytes are. */
interface Block {
  bytes: Uint8Array<ArrayBuffer>;
  start: number;
  length: number;
}

/** Copies of the latest bytes of a stream, which may have to be sent again. */
export class RetainedBytes {
  readonly #blocks: Block[] = [];
  #start = 0;
  #end = 0;
  #held = 0;

  /** Where in the stream the bytes begin. */
  get start(): number {
    return this.#start;
  }

  /** Where in the stream they end. */
  get end(): number {
    return this.#end;
  }

  /** How many there are. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The memory for them, in bytes. */
  get held(): number {
    return this.#held;
  }

  /** Adds bytes at the end, which stay the caller's. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      let last = this.#blocks.at(-1);
      if (!last || last.length === last.bytes.length) {
        last = { bytes: takeBlock(this.#blockSize()), start: this.#end, length: 0 };
        this.#blocks.push(last);
        this.#held += last.bytes.length;
      }
      const part = bytes.subarray(at, at + last.bytes.length - last.length);
      last.bytes.set(part, last.length);
      last.length += part.length;
      this.#end += part.length;
      at += part.length;
    }
  }

  /** Some of the bytes from `offset` on, at least one if there are any; good until they are released. */
  from(offset: number): Uint8Array {
    const block = this.#blocks.find(({ start, length }) => offset < start + length);
    if (!block) return new Uint8Array();
    return block.bytes.subarray(offset - block.start, block.length);
  }

  /** Forgets the bytes before `offset`. */
  release(offset: number): void {
    this.#start = Math.max(this.#start, offset);
    for (;;) {
      const [first] = this.#blocks;
      if (!first || first.start + first.length > offset) return;
      this.#blocks.shift();
      this.#held -= first.bytes.length;
      giveBack(first.bytes);
    }
  }

  /** Larger, the more there is: large ones are for streams, and there may be thousands of shells. */
  #blockSize(): number {
    const wanted = Math.min(Math.max(this.length, LEAST_BLOCK), MOST_BLOCK);
    return 2 ** Math.ceil(Math.log2(wanted));
  }
}
