import { MalformedError } from "../wire_format.ts";
import { MAX_PACKET } from "./numbers.ts";

/** Cuts what comes in into packets, whatever pieces it comes in. */
export class Input {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;

  add(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /**
   * The next packet without its length, or null if it has not all come yet.
   *
   * @throws {MalformedError} if it is empty or too long
   */
  next(): Uint8Array<ArrayBuffer> | null {
    if (this.#length < 4) return null;
    const header = this.#peekHeader();
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
    if (length === 0 || length > MAX_PACKET) {
      throw new MalformedError(`a packet of ${length} bytes`);
    }
    if (this.#length < 4 + length) return null;
    return this.#take(4 + length).subarray(4);
  }

  #peekHeader(): Uint8Array<ArrayBuffer> {
    const first = this.#pieces[0]!;
    if (first.length >= 4) return first;
    const header = this.#take(4);
    this.#pieces.unshift(header);
    this.#length += 4;
    return header;
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    this.#length -= length;
    const first = this.#pieces[0]!;
    if (first.length > length) {
      this.#pieces[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first.length === length) return this.#pieces.shift()!;
    const bytes = new Uint8Array(length);
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
