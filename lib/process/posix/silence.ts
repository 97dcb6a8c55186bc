/** How long a terminal has to be silent after its program's end to count as read out: 200 ms. */
const STEP_MS = 20;
const STEPS = 10;

/**
 * Notices that a terminal has been silent for a while. That is waited for in steps: on a busy
 * machine a timer may be due before there was a turn to read in.
 */
export class Silence {
  readonly #onSilence: () => void;
  #timer?: ReturnType<typeof setTimeout>;

  constructor(onSilence: () => void) {
    this.#onSilence = onSilence;
  }

  /** Waits from now on. */
  restart(steps = STEPS): void {
    this.stop();
    this.#timer = setTimeout(() => {
      if (steps > 1) this.restart(steps - 1);
      else this.#onSilence();
    }, STEP_MS);
  }

  /** Waits no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
