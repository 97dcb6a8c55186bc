/** What the nodes of a cluster derive from the key that they share. */
import { createHmac, hkdfSync } from "node:crypto";
import { makeRendezvousId } from "../../protocol/names.ts";
import { sameSecret } from "../../wire/same_secret.ts";

/** What goes before the check value in an ID, and how long that is: 40 bits. */
const ID_LENGTH = 16;
const CHECK_LENGTH = 8;

/** See the members. */
export class PeerKey {
  readonly #key: string;

  /** @param key as in the file, at least 32 characters */
  constructor(key: string) {
    this.#key = key;
  }

  /** For secrets by which agents get their IDs back from any node, 32 bytes. */
  get resumeKey(): Uint8Array {
    return this.#derive("resume");
  }

  /** For the proofs that nodes show each other, 32 bytes. */
  get proofKey(): Uint8Array {
    return this.#derive("proof");
  }

  /**
   * Makes a random ID that only nodes can make. None of them gives it to an agent that asks for it
   * without the secret of it, so it is unique without asking anyone.
   */
  makeId(): string {
    const id = makeRendezvousId();
    return id + this.#check(id);
  }

  /** Whether {@link PeerKey.makeId} of a node of this cluster has made an ID. */
  hasMade(id: string): boolean {
    if (id.length !== ID_LENGTH + CHECK_LENGTH) return false;
    const plain = id.slice(0, ID_LENGTH);
    return sameSecret(id.slice(ID_LENGTH), this.#check(plain));
  }

  #check(id: string): string {
    const tag = createHmac("sha256", this.#derive("id")).update(id).digest();
    return makeRendezvousId(tag).slice(0, CHECK_LENGTH);
  }

  #derive(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#key, "", `converge ${purpose}`, 32));
  }
}
