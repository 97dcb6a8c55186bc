export interface BackoffOptions {
  /**
   * The ceiling of the first wait, in milliseconds; each further one has twice the last. @default
   * 250
   */
  initial?: number;
  /** What no wait exceeds, in milliseconds. @default 3000 */
  max?: number;
  /** From 0 up to but not including 1. @default Math.random */
  random?: () => number;
}

/**
 * How long to wait before the next try of something that failed: exponential, with full jitter so
 * that many who lost the same server do not all come back at once.
 *
 * @example
 * ```ts
 * const backoff = new Backoff({ random: () => 0.5 });
 * [backoff.next(), backoff.next(), backoff.next()]; // [125, 250, 500]
 * ```
 */
export class Backoff {
  readonly #initial: number;
  readonly #max: number;
  readonly #random: () => number;
  #ceiling: number;

  constructor(options: BackoffOptions = {}) {
    const { initial = 250, max = 3000, random = Math.random } = options;
    this.#initial = this.#ceiling = initial;
    this.#max = max;
    this.#random = random;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const wait = this.#random() * this.#ceiling;
    this.#ceiling = Math.min(this.#ceiling * 2, this.#max);
    return wait;
  }

  /** Starts again, after a success. */
  reset(): void {
    this.#ceiling = this.#initial;
  }
}
