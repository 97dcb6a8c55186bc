/** A limit of time for something that may never come; leaving its scope stops the clock. */
export class Deadline implements Disposable {
  readonly #own = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  /**
   * Aborted when the time is up, with an Error that says so, or with the outer signal and its
   * reason.
   */
  readonly signal: AbortSignal;

  /**
   * @param milliseconds until the time is up
   * @param outer ends the wait too
   */
  constructor(milliseconds: number, outer?: AbortSignal) {
    const error = new Error(`no answer within ${milliseconds / 1_000} s`);
    this.#timer = setTimeout(() => this.#own.abort(error), milliseconds);
    this.signal = outer ? AbortSignal.any([outer, this.#own.signal]) : this.#own.signal;
  }

  /** Whether the time is up. */
  get passed(): boolean {
    return this.#own.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
