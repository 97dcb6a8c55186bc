import { EOF_FRAME, ProtocolError } from "../../protocol/messages.ts";
import type { AckFrame } from "../../protocol/stream_frames.ts";
import type { StreamBudget } from "./stream_budget.ts";
import type { StreamLink } from "./stream_link.ts";
import { RetainedBytes } from "./retained_bytes.ts";

/**
 * The largest binary message that is sent, in bytes: what SSH writes at once fits in. Each message
 * costs the server as much as many of its bytes.
 */
const MAX_MESSAGE = 264 * 1024;

/** Less than this is not kept at a time, unless there is no more, in bytes. */
const LEAST_PIECE = 4 * 1024;

export interface OutgoingBytesOptions {
  /** How many bytes may be sent and not taken. */
  window: number;
  /** Of all streams. */
  budget: StreamBudget;
  /** A connection failed. */
  onLost: (link: StreamLink, error: unknown) => void;
}

/** One direction of a resumable stream, at its sender. */
export class OutgoingBytes {
  readonly #options: OutgoingBytesOptions;
  readonly #retained = new RetainedBytes();
  /** What is being written, so that it need not be sent in the pieces that are kept. */
  #piece?: { start: number; bytes: Uint8Array };
  #link?: StreamLink;
  /** How far the connection has been given the bytes, and how far it has asked for more. */
  #given = 0;
  #passed = 0;
  /** How far any connection has been given them. */
  #furthest = 0;
  /**
   * How far the peer has taken them. It may be ahead of the connection, by what it got on the former
   * one meanwhile; the connection is given that too, as it counts from where it began.
   */
  #taken = 0;
  #ending = false;
  /** Whether the connection, and whether any, was given the end of file. */
  #eofGiven = false;
  #eofEverGiven = false;
  #eofTaken = false;
  #stopped?: { error?: Error };
  /** Whether the connection is being given bytes. */
  #giving = false;
  /** Of those who wait for any change. */
  #change?: PromiseWithResolvers<void>;

  constructor(options: OutgoingBytesOptions) {
    this.#options = options;
  }

  /** Whether the peer has all, up to the end of file. */
  get done(): boolean {
    return this.#eofTaken;
  }

  /** Whether the end was asked for. */
  get ending(): boolean {
    return this.#ending;
  }

  /** The memory that it keeps, in bytes. */
  get held(): number {
    return this.#retained.held;
  }

  /** Whether the peer can have got so many bytes. */
  canHave(received: number): boolean {
    return received <= this.#furthest;
  }

  /** How many bytes the peer has acknowledged, at least. */
  get acknowledged(): number {
    return this.#retained.start;
  }

  /** See `ByteStream.write()`. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ending) throw new Error("cannot write after the end");
    for (let at = 0; at < bytes.length;) {
      let room = this.#room(bytes.length - at);
      for (; room === 0; room = this.#room(bytes.length - at)) await this.#mayHaveRoom();
      if (this.#stopped?.error) throw this.#stopped.error;
      if (this.#stopped) return;
      const piece = bytes.subarray(at, at + room);
      this.#piece = { start: this.#retained.end, bytes: piece };
      const before = this.#retained.held;
      this.#retained.add(piece);
      this.#options.budget.add(this.#retained.held - before);
      at += piece.length;
      this.#giveAll();
      while (this.#link && this.#passed < this.#retained.end) await this.#changed();
      this.#piece = undefined;
    }
  }

  /** Sends the end of file; resolves when the peer has it. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#giveAll();
    while (!this.#eofTaken && !this.#stopped) await this.#changed();
    if (this.#stopped?.error) throw this.#stopped.error;
  }

  /** Goes on from `offset` on another connection. */
  attach(link: StreamLink, offset: number): void {
    this.#link = link;
    this.#given = this.#passed = offset;
    this.#eofGiven = this.#giving = false;
    this.#giveAll();
  }

  /** From here on there is no connection. */
  detach(): void {
    this.#link = undefined;
    this.#wake();
  }

  /**
   * The peer has taken bytes, or the end of file.
   *
   * @throws {ProtocolError} if it cannot be
   */
  acked({ received, eof }: Pick<AckFrame, "received" | "eof">): void {
    const { start, end } = this.#retained;
    if (received < start || received > this.#furthest) {
      throw new ProtocolError(`acknowledged ${received}, expected ${start} to ${this.#furthest}`);
    }
    if (eof && !(this.#eofEverGiven && received === end)) {
      throw new ProtocolError("acknowledged an end of file that was not sent");
    }
    this.#taken = Math.max(this.#taken, received);
    this.#release(Math.min(this.#taken, this.#given));
    this.#eofTaken ||= eof ?? false;
    this.#wake();
  }

  /** Gives the connection all that it has not got yet, however slowly it takes that. */
  flush(link: StreamLink): void {
    while (this.#given < this.#retained.end) this.#give(link, MAX_MESSAGE).catch(() => {});
  }

  /** Keeps nothing more; what is written fails with the error, or is dropped. */
  stop(error?: Error): void {
    this.#stopped ??= { error };
    this.#release(this.#retained.end);
    this.detach();
  }

  /** How many of `wanted` bytes may be kept now; all once nothing is kept any more. */
  #room(wanted: number): number {
    if (this.#stopped) return wanted;
    const { window, budget } = this.#options;
    const inWindow = window - this.#retained.length;
    const inBudget = budget.room(this.#retained.held);
    // Few at a time would be many small messages.
    if (inWindow < Math.min(wanted, window / 16)) return 0;
    if (inBudget < Math.min(wanted, LEAST_PIECE)) return 0;
    return Math.floor(Math.min(wanted, inWindow, inBudget, MAX_MESSAGE));
  }

  async #mayHaveRoom(): Promise<void> {
    await Promise.race([this.#changed(), this.#options.budget.changed()]);
  }

  /** Gives the connection what there is, as fast as it takes that. */
  #giveAll(): void {
    if (this.#giving || !this.#link) return;
    this.#giving = true;
    void this.#giveTo(this.#link);
  }

  async #giveTo(link: StreamLink): Promise<void> {
    try {
      while (this.#given < this.#retained.end) {
        const room = link.room ? await link.room() : MAX_MESSAGE;
        if (this.#link !== link) return;
        await this.#give(link, Math.min(room, MAX_MESSAGE));
        if (this.#link !== link) return;
        this.#passed = this.#given;
        this.#release(Math.min(this.#taken, this.#given));
        this.#wake();
      }
      this.#giving = false;
      if (!this.#ending || this.#eofGiven || this.#eofTaken) return;
      this.#eofGiven = this.#eofEverGiven = true;
      await link.send(EOF_FRAME);
    } catch (error) {
      this.#options.onLost(link, error);
    }
  }

  /** Gives the connection the next bytes, at most `most` of them. */
  #give(link: StreamLink, most: number): Promise<void> {
    const piece = this.#piece;
    const next = piece && this.#given >= piece.start
      ? piece.bytes.subarray(this.#given - piece.start)
      : this.#retained.from(this.#given);
    const bytes = next.subarray(0, most);
    this.#given += bytes.length;
    this.#furthest = Math.max(this.#furthest, this.#given);
    return link.send(bytes);
  }

  #release(offset: number): void {
    const before = this.#retained.held;
    this.#retained.release(offset);
    if (this.#retained.held < before) this.#options.budget.add(this.#retained.held - before);
  }

  /** Resolves at the next change. */
  #changed(): Promise<void> {
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }
}
