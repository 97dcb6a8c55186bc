/** How a node knows that a request comes from another one. */
import { createHmac, randomBytes } from "node:crypto";
import { sameSecret } from "../../wire/same_secret.ts";

/** The header of a request with its proof. */
export const PROOF_HEADER = "converge-peer";

/** How old or how far ahead of its time a proof may be, in milliseconds. */
const MAX_AGE_MS = 30_000;

export interface PeerProofsOptions {
  /** 32 bytes. */
  key: Uint8Array;
  /** Unix time in milliseconds, the same for all nodes. */
  now: () => number;
}

/**
 * Proofs that are good for one request to one node: an HMAC-SHA-256 of the node's address, path and
 * query, the time and a number that is used once.
 */
export class PeerProofs {
  readonly #options: PeerProofsOptions;
  /** Numbers that were used, with the time of their proofs, oldest first. */
  readonly #used = new Map<string, number>();

  constructor(options: PeerProofsOptions) {
    this.#options = options;
  }

  /**
   * @param node the address of the node that is asked
   * @param path with its query
   */
  make(node: string, path: string): string {
    const head = `${Math.floor(this.#options.now())}.${randomBytes(16).toString("base64url")}`;
    return `${head}.${this.#tag(node, path, head)}`;
  }

  /** Why a proof is not good; undefined: it is, this once. */
  refuse(node: string, path: string, proof: string | null): string | undefined {
    const [, head = "", time = "", nonce = "", tag = ""] =
      /^((\d{1,16})\.([\w-]{22}))\.([\w-]{43})$/.exec(proof ?? "") ?? [];
    if (!sameSecret(tag, this.#tag(node, path, head))) {
      return "no valid proof of a node: the nodes need the same --peer-key-file, " +
        "and a --node-url that leads to each one itself";
    }
    const now = this.#options.now();
    if (Math.abs(now - Number(time)) > MAX_AGE_MS) {
      return "the proof is too old, or from the future: check the clocks of the nodes";
    }
    for (const [used, at] of this.#used) {
      if (now - at <= 2 * MAX_AGE_MS) break;
      this.#used.delete(used);
    }
    if (this.#used.has(nonce)) return "the proof was used before";
    this.#used.set(nonce, now);
  }

  #tag(node: string, path: string, head: string): string {
    return createHmac("sha256", this.#options.key).update(`${node}\0${path}\0${head}`)
      .digest("base64url");
  }
}
