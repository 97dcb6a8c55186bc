/** How long bytes may wait on their way, in milliseconds: so much later comes a shell's echo. */
const MAX_WAIT_MS = 100;

/** Of so many times the fastest counts: a program that was busy for a moment is no slow link. */
const MAX_RATES = 8;

/** Sizes of a window, in bytes. */
export interface DelayWindowOptions {
  first: number;
  least: number;
  most: number;
}

/**
 * How much may be on its way.
 *
 * What waits on the way is in front of all that is sent later, of a shell's echo too; but with too
 * little on its way a long link is idle. So the window follows the time that bytes take, as LEDBAT
 * does (RFC 6817): as long as that is hardly longer than the shortest seen, nothing waits, and the
 * window doubles if it held something back. Else it becomes what is taken in the shortest time and
 * {@link MAX_WAIT_MS}. It doubles only once as much as it holds was taken without a wait: a slow link
 * takes a little at once now and then.
 */
export class DelayWindow {
  readonly #options: DelayWindowOptions;
  #size: number;
  #shortestMs = Infinity;
  /** What was taken lately, in bytes a millisecond. */
  readonly #rates: number[] = [];
  /**
   * Since the window changed: what had been taken by then, the longest wait in milliseconds, and
   * whether something was held back.
   */
  #round = { start: 0, wait: 0, heldBack: false };

  constructor(options: DelayWindowOptions) {
    this.#options = options;
    this.#size = options.first;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** More would be on its way if the window were larger. */
  holdBack(): void {
    this.#round.heldBack = true;
  }

  /**
   * @param ms how long something was on its way
   * @param bytes what was taken in that time
   * @param taken all that was taken so far, in bytes
   */
  timed(ms: number, bytes: number, taken: number): void {
    const { least, most } = this.#options;
    this.#shortestMs = Math.min(this.#shortestMs, ms);
    this.#rates.push(bytes / Math.max(1, ms));
    if (this.#rates.length > MAX_RATES) this.#rates.shift();
    const round = this.#round;
    round.wait = Math.max(round.wait, ms - this.#shortestMs);
    if (round.wait > MAX_WAIT_MS) {
      const size = Math.max(...this.#rates) * (this.#shortestMs + MAX_WAIT_MS);
      this.#size = Math.max(least, Math.min(this.#size, size));
    } else if (taken - round.start < this.#size) {
      return;
    } else if (round.wait < MAX_WAIT_MS / 2 && round.heldBack) {
      this.#size = Math.min(most, 2 * this.#size);
    }
    this.#round = { start: taken, wait: 0, heldBack: false };
  }
}
