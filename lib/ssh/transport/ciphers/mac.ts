import { createHmac, timingSafeEqual } from "node:crypto";

/** How packets are authenticated under a cipher that does not do it by itself. */
export interface MacAlgorithm {
  hash: string;
  /** The length of the key and of the tag, in bytes. */
  length: number;
  /** Whether the tag is over the encrypted packet (OpenSSH's PROTOCOL, section 1.5). */
  encryptsFirst: boolean;
}

/** HMAC with SHA-2 (RFC 6668), by its name in SSH. */
export const MACS: Record<string, MacAlgorithm> = {
  "hmac-sha2-256-etm@openssh.com": { hash: "sha256", length: 32, encryptsFirst: true },
  "hmac-sha2-512-etm@openssh.com": { hash: "sha512", length: 64, encryptsFirst: true },
  "hmac-sha2-256": { hash: "sha256", length: 32, encryptsFirst: false },
  "hmac-sha2-512": { hash: "sha512", length: 64, encryptsFirst: false },
};

/** The tags of one direction. */
export class Mac {
  readonly #hash: string;
  readonly #key: Uint8Array;
  readonly #sequence = new Uint8Array(4);

  constructor({ hash }: MacAlgorithm, key: Uint8Array) {
    this.#hash = hash;
    this.#key = key;
  }

  #compute(sequence: number, bytes: Uint8Array): Uint8Array {
    // As bytes: the runtime of executables, Deno 2.7, takes no DataView here.
    new DataView(this.#sequence.buffer).setUint32(0, sequence);
    return createHmac(this.#hash, this.#key).update(this.#sequence).update(bytes).digest();
  }

  /** Writes the tag of `bytes` to `tag`. */
  write(sequence: number, bytes: Uint8Array, tag: Uint8Array): void {
    tag.set(this.#compute(sequence, bytes));
  }

  /** Whether `tag` is that of `bytes`; takes as long for any tag. */
  verify(sequence: number, bytes: Uint8Array, tag: Uint8Array): boolean {
    return timingSafeEqual(this.#compute(sequence, bytes), tag);
  }

  close(): void {
    this.#key.fill(0);
  }
}
