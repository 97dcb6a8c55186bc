/** How often the clock is looked at, in milliseconds. */
const LOOK_EVERY_MS = 2_000;

/** So much more than expected has passed after a sleep, in milliseconds. */
const JUMP_MS = 10_000;

export interface SleepWatchOptions {
  /** Called when the machine, or this program, has slept: connections may be dead. */
  onWake: () => void;
  /** Unix time in milliseconds. @default Date.now */
  wall?: () => number;
}

/** Notices that the machine has slept: the time of day went on, timers did not. */
export class SleepWatch implements Disposable {
  readonly #options: SleepWatchOptions;
  readonly #wall: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  #last: number;

  constructor(options: SleepWatchOptions) {
    this.#options = options;
    this.#wall = options.wall ?? Date.now;
    this.#last = this.#wall();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** Looks at the clock. */
  look(): void {
    const now = this.#wall();
    const passed = now - this.#last;
    this.#last = now;
    if (passed > LOOK_EVERY_MS + JUMP_MS) this.#options.onWake();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
