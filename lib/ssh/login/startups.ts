/** How many clients that have not logged in yet there may be. */
export interface StartupLimits {
  /** From this many on, clients of the busiest sources are refused at random. */
  start: number;
  /** The probability of that at `start`, in percent; it rises to 100 at `full`. */
  rate: number;
  /** The most. */
  full: number;
}

/** Enough for a hundred people behind one address who connect at the same moment. */
const LIMITS: StartupLimits = { start: 100, rate: 30, full: 200 };

/**
 * The clients that have not logged in yet, limited as with sshd's `MaxStartups` by random early
 * drop, and fairly: only a source with at least an equal share of them is refused, and when all
 * places are taken the busiest source gives one up.
 */
export class Startups {
  readonly #limits: StartupLimits;
  readonly #random: () => number;
  /** How each client is dropped, by source; the oldest first. */
  readonly #sources = new Map<string, Set<() => void>>();
  #count = 0;

  /** @param random uniform from 0 up to 1 */
  constructor(limits = LIMITS, random = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * Gives a client a place.
   *
   * @param drop disconnects the client, if another one gets its place
   * @returns frees the place; undefined if the client is refused
   */
  enter(source: string, drop: () => void): (() => void) | undefined {
    const clients = this.#sources.get(source) ?? new Set();
    const { start, full } = this.#limits;
    if (this.#count >= start) {
      const isBusy = clients.size * this.#sources.size >= this.#count;
      if (isBusy && this.#random() * 100 < this.#probability()) return;
    }
    if (this.#count >= full) this.#dropOldest();
    const place = () => drop();
    clients.add(place);
    this.#sources.set(source, clients);
    this.#count++;
    return () => this.#leave(source, place);
  }

  /** The probability with which a client of a busy source is refused, in percent. */
  #probability(): number {
    const { start, rate, full } = this.#limits;
    return rate + (100 - rate) * (this.#count - start) / (full - start);
  }

  #dropOldest(): void {
    const [source, clients] = [...this.#sources].reduce((most, each) =>
      each[1].size > most[1].size ? each : most
    );
    const [oldest] = clients;
    this.#leave(source, oldest!);
    oldest!();
  }

  #leave(source: string, place: () => void): void {
    const clients = this.#sources.get(source);
    if (!clients?.delete(place)) return;
    this.#count--;
    if (clients.size === 0) this.#sources.delete(source);
  }
}
