/** What each stream may keep, whatever the others do, in bytes: so that none is held up for good. */
const ALWAYS = 64 * 1024;

/** The memory that all streams of a program together keep to send again. */
export class StreamBudget {
  readonly #limit: number;
  #used = 0;
  #change?: PromiseWithResolvers<void>;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How much is kept, in bytes. */
  get used(): number {
    return this.#used;
  }

  /** How much more a stream may keep that keeps `own` bytes. */
  room(own: number): number {
    return Math.max(this.#limit - this.#used, ALWAYS - own, 0);
  }

  /** A stream keeps so many bytes more, or less. */
  add(bytes: number): void {
    this.#used += bytes;
    if (bytes >= 0) return;
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** Resolves when there is more room. */
  changed(): Promise<void> {
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }
}
