import type { Transport } from "../transport/transport.ts";
import { isTurnOver, nextTurn } from "../../wire/turn.ts";

/** How far a channel that was quiet may be ahead of the others, in bytes. */
const AHEAD = 32 * 1024;

/** What a channel has sent, as the queue counts it; a new channel starts at 0. */
export interface SendShare {
  sent: number;
}

interface Waiting {
  /** The channel's share before this packet and with it: the lowest of these goes first. */
  start: number;
  end: number;
  send: () => void;
  sent: () => void;
}

/**
 * Whose packet goes next when a connection takes no more for the moment.
 *
 * Channels that always have something to send share the connection evenly; one that sent little
 * lately goes first, so that a shell answers beside bulk transfers (self-clocked fair queueing,
 * Golestani 1994).
 */
export class SendQueue {
  readonly #transport: Transport;
  readonly #waiting: Waiting[] = [];
  /** The share of the packet that was sent last. */
  #now = 0;
  /** Whether {@link #run} is under way: it may outlast what it waits for by a turn. */
  #running = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Sends one packet, at once if nothing stands in its way.
   *
   * @param send sends it, synchronously
   * @returns a promise to wait for before the next one, if there is one
   */
  send(share: SendShare, length: number, send: () => void): Promise<void> | undefined {
    const start = Math.max(share.sent, this.#now - AHEAD);
    const end = share.sent = start + length;
    if (this.#waiting.length === 0 && this.#transport.isWritable) {
      this.#now = Math.max(this.#now, start);
      send();
      return isTurnOver() ? nextTurn() : undefined;
    }
    return new Promise((sent) => {
      this.#waiting.push({ start, end, send, sent });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#transport.writable();
      const next = this.#takeNext();
      this.#now = Math.max(this.#now, next.start);
      next.send();
      next.sent();
      if (isTurnOver()) await nextTurn();
    }
    this.#running = false;
  }

  #takeNext(): Waiting {
    let first = 0;
    for (const [index, { end }] of this.#waiting.entries()) {
      if (end < this.#waiting[first]!.end) first = index;
    }
    return this.#waiting.splice(first, 1)[0]!;
  }
}
