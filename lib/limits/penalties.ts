import { type IpRange, isInRanges, networkOf } from "../text/ip_address.ts";

/** The share of the charges by which the answer to a failure is delayed, and the longest delay. */
const DELAY_SHARE = 1 / 20;
const MAX_DELAY_MS = 5_000;

/** How many sources are remembered. */
const MAX_SOURCES = 10_000;

export interface PenaltiesOptions {
  /** Charges with which a source is locked out until they have run off, in milliseconds. */
  lockOutMs: number;
  /** The most that a source is charged, in milliseconds. */
  mostMs: number;
  /** Addresses that are never charged. @default none */
  exempt?: IpRange[];
  /** A clock that never jumps, in milliseconds. @default performance.now */
  now?: () => number;
}

/**
 * Addresses that fail to log in, as with sshd's `PerSourcePenalties`: each failure is charged in
 * milliseconds, which run off as time passes. With its charges grow the delays of a source's
 * answers, and with too many it is locked out. A source is an IPv4 address, or the network of 64
 * bits of an IPv6 address.
 */
export class Penalties {
  readonly #options: PenaltiesOptions;
  readonly #now: () => number;
  /** When a source's charges have run off, on the clock; the oldest first. */
  readonly #sources = new Map<string, { end: number; lockedOut: boolean }>();

  constructor(options: PenaltiesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** For how long an address is locked out, in milliseconds; 0 if it is not. */
  lockedOut(address: string): number {
    const source = networkOf(address);
    return this.#sources.get(source)?.lockedOut ? this.#charges(source) : 0;
  }

  /** For how long the answer to an address' failure is delayed, in milliseconds. */
  delay(address: string): number {
    return Math.min(MAX_DELAY_MS, this.#charges(networkOf(address)) * DELAY_SHARE);
  }

  /** @returns whether the address is locked out from now on */
  charge(address: string, milliseconds: number): boolean {
    const { lockOutMs, mostMs, exempt = [] } = this.#options;
    if (isInRanges(address, exempt)) return false;
    const source = networkOf(address);
    const charges = Math.min(mostMs, this.#charges(source) + milliseconds);
    const wasLockedOut = this.lockedOut(address) > 0;
    this.#sources.delete(source);
    const lockedOut = wasLockedOut || charges >= lockOutMs;
    this.#sources.set(source, { end: this.#now() + charges, lockedOut });
    for (const other of this.#leastNeeded()) {
      if (this.#sources.size <= MAX_SOURCES) break;
      this.#sources.delete(other);
    }
    return lockedOut && !wasLockedOut;
  }

  #charges(source: string): number {
    return Math.max(0, (this.#sources.get(source)?.end ?? -Infinity) - this.#now());
  }

  /** Sources without charges, then those that were charged the longest ago. */
  *#leastNeeded(): Generator<string> {
    const now = this.#now();
    for (const [source, { end }] of this.#sources) if (end <= now) yield source;
    yield* this.#sources.keys();
  }
}
