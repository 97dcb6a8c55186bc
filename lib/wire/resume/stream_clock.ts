/** Time as resumable streams see it; tests bring their own. */
export interface StreamClock {
  /** Milliseconds of a clock that nobody can set. */
  now(): number;
  /** Runs `action` once after `delay` milliseconds; the result takes it back. */
  after(delay: number, action: () => void): () => void;
}

/** The machine's own time. */
export const STREAM_CLOCK: StreamClock = {
  now: () => performance.now(),
  after(delay, action) {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};
