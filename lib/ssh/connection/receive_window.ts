import { DelayWindow } from "../../wire/delay_window.ts";

/** What of the client may be on its way on all channels of a connection together, in bytes. */
const ON_THE_WAY = { first: 256 * 1024, least: 48 * 1024, most: 3 * 1024 * 1024 };

/** How many times that is granted: half of a window may be read and not granted again yet. */
const GRANTED = 2;

/** The largest window of a channel, in bytes. */
const MOST = 2 * 1024 * 1024;

/** What a channel gets even if the others have all, in bytes. */
const LEAST = 4 * 1024;

/**
 * What a channel starts with, in bytes: most need little, and what is granted cannot be taken back.
 */
const FIRST = 16 * 1024;

/** After how many bytes the client is asked again, in bytes. */
const ASK_EVERY = 16 * 1024;

/**
 * What the client may send on all channels of a connection.
 *
 * It follows the time of an answer that the client sends behind all that it has sent before, so
 * that a shell does not wait behind uploads, wherever on the way these wait.
 */
export class ReceiveBudget {
  readonly #window = new DelayWindow(ON_THE_WAY);
  readonly #ask: () => void;
  readonly #now: () => number;
  #granted = 0;
  #received = 0;
  /** When the client was asked last, and what it had sent by then. */
  #asked = { at: 0, received: 0, waiting: false };

  /**
   * @param ask has the client answer, which is told to {@link ReceiveBudget.answered}
   * @param now in milliseconds, from any start
   */
  constructor(ask: () => void, now: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  /** What may be granted, in bytes; below 0 when it was more before. */
  get free(): number {
    return GRANTED * this.#window.size - this.#granted;
  }

  /** Grants so many bytes; below 0: takes them back. */
  grant(bytes: number): void {
    this.#granted += bytes;
  }

  /** A channel would have got more if more was free. */
  holdBack(): void {
    this.#window.holdBack();
  }

  /** A window for a new channel. */
  open(): ReceiveWindow {
    return new SharedWindow(this);
  }

  /** The client has sent so many bytes. */
  receive(bytes: number): void {
    this.#received += bytes;
    if (!this.#asked.waiting && this.#received - this.#asked.received >= ASK_EVERY) this.ask();
  }

  /** Asks the client for an answer; to be done once while it has nothing to send. */
  ask(): void {
    this.#asked = { at: this.#now(), received: this.#received, waiting: true };
    this.#ask();
  }

  /** The client has answered. */
  answered(): void {
    const { at, received, waiting } = this.#asked;
    if (!waiting) return;
    this.#asked.waiting = false;
    this.#window.timed(this.#now() - at, this.#received - received, this.#received);
  }
}

/** What a client may send on one channel before it is read (RFC 4254, section 5.2). */
export interface ReceiveWindow {
  /** In bytes. */
  readonly size: number;
  /** Takes in what the client has sent; false if it is more than it may. */
  receive(bytes: number): boolean;
  /** Some of it was read. @returns by how much to adjust the client's window, in bytes, or 0 */
  read(bytes: number): number;
  /** Gives all of it back. */
  close(): void;
}

/** A window of one size, for what is passed on at once. */
export class FixedWindow implements ReceiveWindow {
  readonly size: number;
  /** What the client may still send. */
  #left: number;
  /** What was read and not granted again. */
  #read = 0;

  /** @param size in bytes */
  constructor(size: number) {
    this.size = this.#left = size;
  }

  receive(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  read(bytes: number): number {
    this.#read += bytes;
    if (this.#read < this.size / 2) return 0;
    const more = this.#read;
    this.#read = 0;
    this.#left += more;
    return more;
  }

  close(): void {}
}

/**
 * A window that follows what the client uses.
 *
 * It doubles as long as the client uses it, up to what all channels leave free, so that few have
 * large windows and many have even ones (the dynamic threshold of Choudhury and Hahne, 1998).
 */
class SharedWindow implements ReceiveWindow {
  readonly #budget: ReceiveBudget;
  #size: number;
  /** What the client may still send. */
  #left: number;
  /** Of what it was granted, what has not been read yet. */
  #held: number;

  constructor(budget: ReceiveBudget) {
    this.#budget = budget;
    this.#size = this.#left = this.#held = within(Math.min(FIRST, budget.free / 8));
    budget.grant(this.#held);
  }

  get size(): number {
    return this.#size;
  }

  receive(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    this.#budget.receive(bytes);
    return true;
  }

  read(bytes: number): number {
    this.#release(bytes);
    const wanted = Math.min(2 * this.#size, MOST);
    const size = within(Math.min(wanted, this.#budget.free));
    if (size < wanted) this.#budget.holdBack();
    if (this.#held > Math.min(this.#size, size) / 2) return 0;
    const more = size - this.#held;
    this.#size = this.#held = size;
    this.#left += more;
    this.#budget.grant(more);
    return more;
  }

  close(): void {
    this.#release(this.#held);
  }

  #release(bytes: number): void {
    this.#held -= bytes;
    this.#budget.grant(-bytes);
  }
}

/** A window of at least {@link LEAST}, in whole bytes. */
function within(size: number): number {
  return Math.max(LEAST, Math.floor(size));
}
