import { MalformedError } from "../../protocol/wire_format.ts";
import { MAX_PACKET } from "./numbers.ts";

/** Splits a client's bytes into packets. */
export class Input {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** Holds a packet that arrived in several pieces. */
  readonly #whole = new Uint8Array(4 + MAX_PACKET);
  #length = 0;

  add(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /**
   * The next packet without its length, or null if it is not complete yet. It is valid until the
   * next call.
   *
   * @throws {MalformedError} if it is empty or too long
   */
  next(): Uint8Array<ArrayBuffer> | null {
    if (this.#length < 4) return null;
    const length = this.#peekLength();
    if (length === 0 || length > MAX_PACKET) {
      throw new MalformedError(`a packet of ${length} bytes`);
    }
    if (this.#length < 4 + length) return null;
    return this.#take(4 + length).subarray(4);
  }

  /** The length of the next packet, without removing it. */
  #peekLength(): number {
    let length = 0;
    let count = 0;
    for (const piece of this.#pieces) {
      for (let i = 0; i < piece.length && count < 4; i++, count++) {
        length = length * 256 + piece[i]!;
      }
      if (count === 4) break;
    }
    return length;
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    this.#length -= length;
    const first = this.#pieces[0]!;
    if (first.length > length) {
      this.#pieces[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first.length === length) return this.#pieces.shift()!;
    const bytes = this.#whole.subarray(0, length);
    let filled = 0;
    let used = 0;
    while (filled < length) {
      const piece = this.#pieces[used]!;
      const part = piece.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length === piece.length) used++;
      else this.#pieces[used] = piece.subarray(part.length);
    }
    this.#pieces.splice(0, used);
    return bytes;
  }
}
