/** Time that passes only when a test says so. */
export class FakeClock {
  #now: number;
  #offset: number;
  readonly #timers = new Map<symbol, { at: number; action: () => void }>();

  /**
   * @param wall Unix time in milliseconds at the start
   * @param now what the monotonic clock shows then
   */
  constructor(wall = Date.UTC(2026, 0, 31, 12), now = 5_000) {
    this.#now = now;
    this.#offset = wall - now;
  }

  now = (): number => this.#now;

  wall = (): number => this.#now + this.#offset;

  after = (delay: number, action: () => void): () => void => {
    const key = Symbol();
    this.#timers.set(key, { at: this.#now + delay, action });
    return () => this.#timers.delete(key);
  };

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass; timers run when they are due. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [key, { at, action }] = due;
      this.#timers.delete(key);
      this.#now = Math.max(this.#now, at);
      action();
    }
    this.#now = end;
  }

  /** The machine sleeps: time passes, and no timer runs until it is over. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds;
    this.pass(0);
  }

  /** Sets the machine's clock. */
  setWall(wall: number): void {
    this.#offset = wall - this.#now;
  }
}
