/** Time as the keeper sees it; tests bring their own. */
export interface LifetimeClock {
  /** Milliseconds of a clock that nobody can set. */
  now(): number;
  /** Unix time in milliseconds. */
  wall(): number;
  /** Runs `action` once after `delay` milliseconds; the result takes it back. */
  after(delay: number, action: () => void): () => void;
}

/** The machine's own time. */
export const systemClock: LifetimeClock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delay, action) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};
