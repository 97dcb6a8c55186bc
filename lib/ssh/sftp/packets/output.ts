/** The size of a buffer for replies, in bytes: two of the largest reads. */
const BATCH = 512 * 1024;

/** The size from which a batch is sent, in bytes, so that the next is filled meanwhile. */
const SEND = 256 * 1024;

/** Collects replies and sends many together. */
export class SftpOutput {
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => void;
  #buffer = new Uint8Array(BATCH);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** @param send takes a batch and owns its buffer */
  constructor(send: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  /**
   * Adds one packet.
   *
   * @param capacity the most bytes that it can have, at most 256 KiB and its header
   * @param fill writes the packet and returns its length
   */
  add(capacity: number, fill: (into: Uint8Array<ArrayBuffer>, view: DataView) => number): void {
    if (this.#length + 4 + capacity > BATCH) this.flush();
    const start = this.#length + 4;
    const into = this.#buffer.subarray(start, start + capacity);
    const length = fill(into, new DataView(this.#buffer.buffer, start, capacity));
    this.#view.setUint32(this.#length, length);
    this.#length = start + length;
    if (this.#length >= SEND) this.flush();
  }

  /** Sends what has been collected. */
  flush(): void {
    if (this.#length === 0) return;
    if (this.#length < SEND) {
      // A small part of the buffer is not worth a new one.
      this.#send(this.#buffer.slice(0, this.#length));
    } else {
      this.#send(this.#buffer.subarray(0, this.#length));
      this.#buffer = new Uint8Array(BATCH);
      this.#view = new DataView(this.#buffer.buffer);
    }
    this.#length = 0;
  }
}
