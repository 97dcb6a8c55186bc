/** Finds the host key in the beginning of what an SSH server sends, before encryption starts. */

/** Numbers of messages (RFC 4250, section 4.1.2; RFC 5656, section 7.1). */
const NEW_KEYS = 21;
const EXCHANGE_REPLY = 31;

/** A server sends its key within its first few packets, in bytes. */
const MAX_LENGTH = 65_536;

/** Takes what the server sends, and has the key once it came by. */
export class HostKeyFinder {
  readonly #bytes = new Uint8Array(MAX_LENGTH);
  #length = 0;
  /** Whether there is nothing more to look for: the key was found, or this is not SSH. */
  done = false;

  /** @returns the key as SSH sends it (RFC 4253, section 6.6), once */
  take(bytes: Uint8Array): Uint8Array | undefined {
    if (this.done) return;
    const taken = bytes.subarray(0, MAX_LENGTH - this.#length);
    this.#bytes.set(taken, this.#length);
    this.#length += taken.length;
    const key = findHostKey(this.#bytes.subarray(0, this.#length));
    this.done = key !== undefined || this.#length === MAX_LENGTH;
    return key ?? undefined;
  }
}

/**
 * The key in the answer of a key exchange; undefined if it is not there yet, null if there can be
 * no key: this is not SSH, or malformed.
 *
 * Every method here has the key as the first string of that answer (RFC 4253, section 8; RFC 5656,
 * section 4). Whatever is found, ssh checks the key itself.
 */
function findHostKey(bytes: Uint8Array): Uint8Array | null | undefined {
  let at = bytes.indexOf(0x0a) + 1;
  if (at === 0) return undefined;
  if (!new TextDecoder().decode(bytes.subarray(0, 8)).startsWith("SSH-2.0-")) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (;;) {
    // A packet (RFC 4253, section 6): its length, the length of its padding, the message.
    if (bytes.length < at + 4) return undefined;
    const length = view.getUint32(at);
    if (length < 2 || length > MAX_LENGTH) return null;
    const end = at + 4 + length;
    if (bytes.length < end) return undefined;
    const number = bytes[at + 5];
    if (number === NEW_KEYS) return null;
    if (number === EXCHANGE_REPLY) {
      const start = at + 10;
      if (start > end) return null;
      const keyEnd = start + view.getUint32(at + 6);
      return keyEnd > end ? null : bytes.subarray(start, keyEnd);
    }
    at = end;
  }
}
