/**
 * What the client may send on all channels of a connection together before it is read, in bytes.
 */
const TOTAL = 6 * 1024 * 1024;

/** The largest window of a channel, in bytes. */
const MOST = 2 * 1024 * 1024;

/**
 * What a channel starts with, in bytes: most need little, and what is granted cannot be taken back.
 */
const FIRST = 128 * 1024;

/** What a channel gets even if the others have all, in bytes. */
const LEAST = 4 * 1024;

/** What is left of a connection's {@link TOTAL}. */
export class ReceiveBudget {
  #free = TOTAL;

  /** In bytes; below 0 when many channels have no more than {@link LEAST}. */
  get free(): number {
    return this.#free;
  }

  take(bytes: number): void {
    this.#free -= bytes;
  }

  /** A window for a new channel. */
  open(): ReceiveWindow {
    return new ReceiveWindow(this);
  }
}

/**
 * What a client may send on one channel before it is read (RFC 4254, section 5.2).
 *
 * It doubles as long as the client uses it, up to what all channels leave free, so that few have
 * large windows and many have even ones (the dynamic threshold of Choudhury and Hahne, 1998).
 */
export class ReceiveWindow {
  readonly #budget: ReceiveBudget;
  #size: number;
  /** What the client may still send. */
  #left: number;
  /** Of what it was granted, what has not been read yet. */
  #held: number;

  constructor(budget: ReceiveBudget) {
    this.#budget = budget;
    this.#size = this.#left = this.#held = within(Math.min(FIRST, budget.free / 16));
    budget.take(this.#held);
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Takes in what the client has sent; false if it is more than it may. */
  receive(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Some of it was read. @returns by how much to adjust the client's window, in bytes, or 0 */
  read(bytes: number): number {
    this.#release(bytes);
    const size = within(Math.min(2 * this.#size, MOST, this.#budget.free));
    if (this.#held > Math.min(this.#size, size) / 2) return 0;
    const more = size - this.#held;
    this.#size = this.#held = size;
    this.#left += more;
    this.#budget.take(more);
    return more;
  }

  /** Gives all of it back. */
  close(): void {
    this.#release(this.#held);
  }

  #release(bytes: number): void {
    this.#held -= bytes;
    this.#budget.take(-bytes);
  }
}

/** A window of at least {@link LEAST}, in whole bytes. */
function within(size: number): number {
  return Math.max(LEAST, Math.floor(size));
}
