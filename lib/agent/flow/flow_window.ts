import { type FlowMessage, MESSAGE_COST } from "../../protocol/messages.ts";
import { DelayWindow } from "../../wire/delay_window.ts";

/** What may be on its way at first, in bytes. */
const FIRST = 64 * 1024;

/** The least that may be on its way, in bytes: the server reports before so much is sent. */
const LEAST = 40 * 1024;

/** The most, in bytes: what a long and fast link needs. */
const MOST = 2 * 1024 * 1024;

/** About how many messages of a full window are timed. */
const TIMED = 8;

/** The largest message, in bytes: what SSH writes at once. */
const MAX_PIECE = 264 * 1024;

/** How much an agent has on its way to a client, and how much it may have. */
export class FlowWindow {
  readonly #now: () => number;
  readonly #window = new DelayWindow({ first: FIRST, least: LEAST, most: MOST });
  #sent = 0;
  #taken = 0;
  /**
   * Messages whose way is timed, a few of all that are on it, the oldest first: where each ends, when
   * it was sent, what had been taken by then.
   */
  readonly #timed: { end: number; at: number; taken: number }[] = [];
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
    return this.#window.size;
  }

  /** Waits until a message may be sent; resolves to how many bytes it may have. */
  async room(): Promise<number> {
    while (this.inFlight + this.#pieceSize + MESSAGE_COST > this.size && !this.#ended) {
      this.#window.holdBack();
      await this.#change.promise;
    }
    return this.#pieceSize;
  }

  /** Counts a message of so many bytes as sent. */
  sent(length: number): void {
    this.#sent += length + MESSAGE_COST;
    const last = this.#timed.at(-1);
    if (last && this.#sent - last.end < this.size / TIMED) return;
    this.#timed.push({ end: this.#sent, at: this.#now(), taken: this.#taken });
  }

  /** Takes the server's report. */
  report({ taken }: Pick<FlowMessage, "taken">): void {
    this.#taken = Math.min(Math.max(taken, this.#taken), this.#sent);
    while (this.#timed.length > 0 && this.#taken >= this.#timed[0]!.end) {
      const { at, taken } = this.#timed.shift()!;
      this.#window.timed(this.#now() - at, this.#taken - taken, this.#taken);
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
    return Math.floor(Math.min(this.size / 4, MAX_PIECE));
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
