import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Bytes of a secret that say when it was issued and are random; as many authenticate them. */
const NONCE_LENGTH = 16;

/**
 * The secrets that agents get their IDs back with, in base64url: the time (4 bytes, Unix time in
 * seconds), 12 random bytes, and 16 of their HMAC with the ID.
 *
 * The server keeps none of them. With the same key a later server still knows whose ID was whose,
 * and no agent can make one for an ID that it did not have.
 */
export class ResumeSecrets {
  readonly #key: Uint8Array;

  /** @param key 32 bytes @default random: secrets of other servers are invalid */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key;
  }

  /**
   * Makes a new secret for the agent that has `id`.
   *
   * @param now Unix time in milliseconds
   */
  issue(id: string, now: number): string {
    const nonce = randomBytes(NONCE_LENGTH);
    nonce.writeUInt32BE(Math.floor(now / 1_000));
    return Buffer.concat([nonce, this.#tag(id, nonce)]).toString("base64url");
  }

  /**
   * When a server with this key issued `secret` for `id`, Unix time in milliseconds; undefined if
   * none did.
   */
  issuedAt(id: string, secret: string): number | undefined {
    const bytes = Buffer.from(secret, "base64url");
    if (bytes.length !== 2 * NONCE_LENGTH) return undefined;
    const nonce = bytes.subarray(0, NONCE_LENGTH);
    const isIssued = timingSafeEqual(bytes.subarray(NONCE_LENGTH), this.#tag(id, nonce));
    return isIssued ? nonce.readUInt32BE() * 1_000 : undefined;
  }

  #tag(id: string, nonce: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update("resume\0").update(nonce).update(id).digest()
      .subarray(0, NONCE_LENGTH);
  }
}
