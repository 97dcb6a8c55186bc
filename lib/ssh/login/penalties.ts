/** What a source is charged for, in milliseconds. */
export const Charge = {
  /** A wrong password or signature. */
  failure: 2_000,
  /** A connection that ended without a login. */
  noLogin: 1_000,
  /** A connection that did not log in in time. */
  timeout: 10_000,
  /** A login, which cancels mistakes. */
  login: -10_000,
} as const;

/** Charges with which a source is locked out until they have run off, in milliseconds. */
const LOCK_OUT_MS = 120_000;

/** The most that a source is charged, in milliseconds. */
const MAX_MS = 600_000;

/** The share of the charges by which the answer to a failure is delayed, and the longest delay. */
const DELAY_SHARE = 1 / 20;
const MAX_DELAY_MS = 5_000;

/** How many sources are remembered. */
const MAX_SOURCES = 10_000;

/**
 * Sources that fail to log in, as with sshd's `PerSourcePenalties`: each failure is charged in
 * milliseconds, which run off as time passes. With its charges grow the delays of a source's
 * answers, and with too many it is locked out.
 */
export class Penalties {
  readonly #now: () => number;
  /** When a source's charges have run off, on the clock; the oldest first. */
  readonly #sources = new Map<string, { end: number; lockedOut: boolean }>();

  /** @param now a clock that never jumps, in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** For how long a source is locked out, in milliseconds; 0 if it is not. */
  lockedOut(source: string): number {
    return this.#sources.get(source)?.lockedOut ? this.#charges(source) : 0;
  }

  /** For how long the answer to a source's failure is delayed, in milliseconds. */
  delay(source: string): number {
    return Math.min(MAX_DELAY_MS, this.#charges(source) * DELAY_SHARE);
  }

  /** @returns whether the source is locked out from now on */
  charge(source: string, milliseconds: number): boolean {
    const charges = Math.min(MAX_MS, this.#charges(source) + milliseconds);
    const wasLockedOut = this.lockedOut(source) > 0;
    this.#sources.delete(source);
    if (charges <= 0) return false;
    const lockedOut = wasLockedOut || charges >= LOCK_OUT_MS;
    this.#sources.set(source, { end: this.#now() + charges, lockedOut });
    if (this.#sources.size > MAX_SOURCES) this.#forget();
    return lockedOut && !wasLockedOut;
  }

  #charges(source: string): number {
    return Math.max(0, (this.#sources.get(source)?.end ?? 0) - this.#now());
  }

  /** Forgets sources without charges, or else the one that was charged the longest ago. */
  #forget(): void {
    const now = this.#now();
    const [oldest] = this.#sources.keys();
    for (const [source, { end }] of this.#sources) {
      if (end <= now) this.#sources.delete(source);
    }
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(oldest!);
  }
}
