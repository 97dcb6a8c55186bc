import type { Log, LogFields } from "./log.ts";

/** How long lines of one kind are counted after the first one is written, in milliseconds. */
const INTERVAL_MS = 60_000;

/** How many kinds are told apart in that time; what is beyond is counted together. */
const MAX_KINDS = 1_000;

interface Kind {
  event: string;
  fields: LogFields;
  /** When it is written again, if it came again. */
  until: number;
  /** How many were not written. */
  more: number;
}

/**
 * Writes what a stranger can cause as often as they like: the first line of each kind at once, and
 * how many more there were in each minute after it, as one line. So a flood does not fill the log.
 */
export class RepeatedLines {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();

  /** @param now a clock that never jumps, in milliseconds */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * Writes a warning, or counts it.
   *
   * @param kind what makes two lines of the same event the same, an address for instance
   * @param same the fields that all lines of the kind have in common
   * @param more the others, of the first line only
   */
  warn(kind: string, event: string, same: LogFields, more: LogFields = {}): void {
    this.flush();
    const key = `${event} ${kind}`;
    const found = this.#kinds.get(key) ?? this.#kinds.get(event);
    if (found) return void found.more++;
    const until = this.#now() + INTERVAL_MS;
    if (this.#kinds.size >= MAX_KINDS) {
      this.#kinds.set(event, { event, fields: {}, until, more: 1 });
    } else {
      this.#kinds.set(key, { event, fields: same, until, more: 0 });
      this.#log.warn(event, { ...same, ...more });
    }
  }

  /** Writes how many there were of each kind whose minute is over; to be called now and then. */
  flush(): void {
    const now = this.#now();
    // The oldest come first.
    for (const [key, { event, fields, until, more }] of this.#kinds) {
      if (until > now) return;
      this.#kinds.delete(key);
      if (more === 0) continue;
      this.#log.warn(`${event}, more in the last minute`, { ...fields, count: more });
      this.#kinds.set(key, { event, fields, until: now + INTERVAL_MS, more: 0 });
    }
  }
}
