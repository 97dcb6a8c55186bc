/** A client that waits to be paired. */
export interface Waiting<C> {
  id: string;
  client: C;
  /** Milliseconds since the epoch. */
  since: number;
  /** When it gives up, in milliseconds since the epoch. */
  until: number;
  /** Whether it asked to wait for an agent that is not connected. */
  patient: boolean;
}

/** Waiting clients by the ID they ask for, in the order of arrival. */
export class WaitingRoom<C> {
  readonly #lines = new Map<string, Waiting<C>[]>();
  #size = 0;

  /** How many wait, for all IDs. */
  get size(): number {
    return this.#size;
  }

  /** How many wait for `id` and fit. */
  count(id: string, fits: (waiting: Waiting<C>) => boolean = () => true): number {
    return this.#lines.get(id)?.filter(fits).length ?? 0;
  }

  add(waiting: Waiting<C>): void {
    const line = this.#lines.get(waiting.id);
    if (line) line.push(waiting);
    else this.#lines.set(waiting.id, [waiting]);
    this.#size++;
  }

  /** Removes the client that has waited longest for `id`. */
  takeFirst(id: string): Waiting<C> | undefined {
    const [first] = this.#lines.get(id) ?? [];
    if (first) this.take(id, (waiting) => waiting === first);
    return first;
  }

  /** Removes the clients that wait for `id` and fit. */
  take(id: string, fits: (waiting: Waiting<C>) => boolean): Waiting<C>[] {
    const line = this.#lines.get(id) ?? [];
    const taken = line.filter(fits);
    if (taken.length === 0) return taken;
    const left = line.filter((waiting) => !taken.includes(waiting));
    if (left.length > 0) this.#lines.set(id, left);
    else this.#lines.delete(id);
    this.#size -= taken.length;
    return taken;
  }

  /** The clients that fit, which stay. */
  all(fits: (waiting: Waiting<C>) => boolean): Waiting<C>[] {
    return [...this.#lines.values()].flat().filter(fits);
  }

  /** Removes all clients that fit. */
  takeAll(fits: (waiting: Waiting<C>) => boolean): Waiting<C>[] {
    return [...this.#lines.keys()].flatMap((id) => this.take(id, fits));
  }
}
