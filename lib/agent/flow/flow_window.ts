import { type FlowMessage, MESSAGE_COST } from "../../protocol/messages.ts";

/** What may be on its way at first, in bytes. */
const FIRST = 64 * 1024;

/** The least that may be on its way, in bytes: the server reports before so much is sent. */
const LEAST = 32 * 1024;

/** The most, in bytes: what a long and fast link needs. */
const MOST = 2 * 1024 * 1024;

/** The largest message, in bytes: what SSH writes at once. */
const MAX_PIECE = 264 * 1024;

/** How long bytes may wait on their way, in milliseconds: so much later comes a shell's echo. */
const MAX_WAIT_MS = 100;

/**
 * How much an agent has on its way to a client, and how much it may have.
 *
 * What waits on the way is in front of all that is sent later, of a shell's echo too; but with too
 * little on its way a long link is idle. So the window follows the time that bytes take, as LEDBAT
 * does (RFC 6817): as long as that is hardly longer than the shortest seen, nothing waits, and the
 * window doubles if it held something back. Else it becomes what the client takes in the shortest
 * time and {@link MAX_WAIT_MS}.
 */
export class FlowWindow {
  readonly #now: () => number;
  #size = FIRST;
  #sent = 0;
  #taken = 0;
  /**
   * One message whose way is timed: where it ends, when it was sent, what had been taken by then.
   */
  #timed: { end: number; at: number; taken: number } | undefined;
  #shortestMs = Infinity;
  /** Whether something had to wait since the window changed. */
  #heldBack = false;
  #ended = false;
  #change = Promise.withResolvers<void>();

  /** @param now the time in milliseconds, from any start */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What is on its way, in bytes, messages counted as in reports. */
  get inFlight(): number {
    return this.#sent - this.#taken;
  }

  /** What may be on its way, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Waits until a message may be sent; resolves to how many bytes it may have. */
  async room(): Promise<number> {
    while (this.inFlight + this.#pieceSize + MESSAGE_COST > this.#size && !this.#ended) {
      this.#heldBack = true;
      await this.#change.promise;
    }
    return this.#pieceSize;
  }

  /** Counts a message of so many bytes as sent. */
  sent(length: number): void {
    this.#sent += length + MESSAGE_COST;
    this.#timed ??= { end: this.#sent, at: this.#now(), taken: this.#taken };
  }

  /** Takes the server's report. */
  report({ taken }: Pick<FlowMessage, "taken">): void {
    this.#taken = Math.min(Math.max(taken, this.#taken), this.#sent);
    if (this.#timed && this.#taken >= this.#timed.end) {
      this.#resize(this.#now() - this.#timed.at, this.#taken - this.#timed.taken);
      this.#timed = undefined;
    }
    this.#wake();
  }

  /** Nothing waits any more: what is sent now fails or is dropped. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** So that several messages are on their way. */
  get #pieceSize(): number {
    return Math.floor(Math.min(this.#size / 4, MAX_PIECE));
  }

  /**
   * @param ms how long a message was on its way
   * @param bytes what the client took in that time
   */
  #resize(ms: number, bytes: number): void {
    this.#shortestMs = Math.min(this.#shortestMs, ms);
    const wait = ms - this.#shortestMs;
    if (wait > MAX_WAIT_MS) {
      const size = bytes / ms * (this.#shortestMs + MAX_WAIT_MS);
      this.#size = Math.max(LEAST, Math.min(this.#size, size));
    } else if (wait < MAX_WAIT_MS / 2 && this.#heldBack) {
      this.#size = Math.min(MOST, 2 * this.#size);
    }
    this.#heldBack = false;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
