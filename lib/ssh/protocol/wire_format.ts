/**
 * The data types of SSH messages (RFC 4251, section 5). Pure.
 *
 * @module
 */

/** A message from the peer that does not follow its format. */
export class MalformedError extends Error {
  override name = "MalformedError";
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads the fields of one message in order. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#position;
  }

  #take(length: number): number {
    if (length > this.left) throw new MalformedError("the message ends too early");
    const start = this.#position;
    this.#position += length;
    return start;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** As many bytes, without a length before them; a view of the message, not a copy. */
  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A `string` of any bytes; a view of the message, not a copy. */
  string(): Uint8Array {
    return this.raw(this.uint32());
  }

  /** A `string` of UTF-8; what is not becomes U+FFFD. */
  text(): string {
    return decoder.decode(this.string());
  }

  /** All that is left; a view of the message, not a copy. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.left));
  }
}

/** Puts one message together. */
export class Writer {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #grow(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return start;
  }

  byte(value: number): this {
    const start = this.#grow(1);
    this.#bytes[start] = value;
    return this;
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint32(value: number): this {
    const start = this.#grow(4);
    this.#view.setUint32(start, value);
    return this;
  }

  /** Bytes without a length before them. */
  raw(bytes: Uint8Array): this {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  /** A `string`: the length, then the bytes or the text as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** An `mpint` of a positive number, given by its bytes, the most significant first. */
  mpint(magnitude: Uint8Array): this {
    const start = magnitude.findIndex((byte) => byte !== 0);
    const bytes = start < 0 ? magnitude.subarray(0, 0) : magnitude.subarray(start);
    // A first bit would mean a negative number.
    if (bytes.length > 0 && bytes[0]! >= 128) {
      return this.uint32(bytes.length + 1).byte(0).raw(bytes);
    }
    return this.string(bytes);
  }

  /** The message so far. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
