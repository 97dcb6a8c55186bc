import { Penalties, type PenaltiesOptions } from "../../limits/penalties.ts";

/** What a wrong one costs, in milliseconds: twenty in a row lock an address out. */
const CHARGE = 1_500;

/**
 * For how long, in milliseconds: a registered agent whose connection is lost keeps its ID for
 * longer.
 */
const LOCK_OUT_MS = 30_000;

/** Addresses that try wrong tokens or passwords, which are locked out for a while. */
export class WrongSecrets {
  readonly #penalties: Penalties;

  constructor(options: Pick<PenaltiesOptions, "exempt" | "now"> = {}) {
    this.#penalties = new Penalties({ ...options, lockOutMs: LOCK_OUT_MS, mostMs: LOCK_OUT_MS });
  }

  /** For how many seconds an address is locked out still; 0 if it is not. */
  lockedOut(address: string): number {
    return Math.ceil(this.#penalties.lockedOut(address) / 1_000);
  }

  /** An address has shown a wrong one. */
  failed(address: string): void {
    this.#penalties.charge(address, CHARGE);
  }
}
