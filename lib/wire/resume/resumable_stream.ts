import { CloseCode, EOF_FRAME, ProtocolError } from "../../protocol/messages.ts";
import { parseFrame, type StreamFrame } from "../../protocol/stream_frames.ts";
import { errorMessage } from "../../text/error_message.ts";
import type { ByteStream } from "../byte_stream.ts";
import type { StreamBudget } from "./stream_budget.ts";
import type { StreamClock } from "./stream_clock.ts";
import { IncomingBytes } from "./incoming_bytes.ts";
import type { StreamLink } from "./stream_link.ts";
import { OutgoingBytes } from "./outgoing_bytes.ts";

/** How many bytes may be taken for a while without the peer being told, so that echoes need no answer. */
const UNTOLD = 16 * 1024;
/** How long, in milliseconds. */
const UNTOLD_MS = 50;

/** The longest reason in a frame, in UTF-16 code units. */
const MAX_REASON = 1_000;

/** What ends a stream that the peer has broken, with its reason. */
export class PeerEndedError extends Error {
  override name = "PeerEndedError";
}

export interface ResumableStreamOptions {
  /** What the other end is called in errors. */
  peer: "agent" | "client";
  /** How many bytes may be sent and not taken, each way. */
  window: number;
  /** For all streams of the program. */
  budget: StreamBudget;
  clock: StreamClock;
  /** There is no connection now: it was lost with this error, maybe after both directions ended. */
  onLost: (error: Error) => void;
  /** The server asks for another connection. */
  onDraining?: () => void;
  /** The agent says that the stream goes on on another connection. */
  onReplaced?: () => void;
  /** Both directions have ended, or it broke. */
  onEnded: () => void;
  /** Both directions have ended, and the peer knows. */
  onReleased?: () => void;
}

/** The connection of a stream, and how far in the stream its bytes are. */
interface Attached {
  link: StreamLink;
  offset: number;
}

/**
 * A stream of bytes that goes on on another connection when one is lost. Who brings the next
 * connection, and when to give up, is its owner's business.
 *
 * - Binary messages are its bytes, without a header: a connection is in order, and both ends say at
 *   its start how far they are. A copy of what the peer has not taken is kept, at most the window;
 *   `write()` waits while that is full, with or without a connection.
 * - An end of file is a text frame, and is acknowledged: `end()` resolves when the peer has all.
 * - A connection that closes before both ends of file are acknowledged is lost, cleanly or not.
 *   Before a clean close `end` says so, and the other side waits for nothing.
 */
export class ResumableStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #options: ResumableStreamOptions;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #outgoing: OutgoingBytes;
  readonly #incoming: IncomingBytes;
  #attached?: Attached;
  /** How far the peer was told, on this connection, that bytes were taken. */
  #told = 0;
  #tellLater?: () => void;
  #ended = false;
  /** Set if it was we who ended it. */
  #left?: { error?: Error };

  constructor(options: ResumableStreamOptions) {
    const { window, budget } = options;
    this.#options = options;
    this.closed = this.#closed.promise;
    this.#incoming = new IncomingBytes(window);
    this.#outgoing = new OutgoingBytes({
      window,
      budget,
      onLost: (link, error) => this.#failed(link, error),
    });
  }

  /** How many bytes have come; the peer goes on from there on the next connection. */
  get received(): number {
    return this.#incoming.received;
  }

  /** The memory for what may have to be sent again, in bytes. */
  get held(): number {
    return this.#outgoing.held;
  }

  /** Whether there is no connection. */
  get away(): boolean {
    return this.#attached === undefined;
  }

  /** Whether both directions have ended, or it broke. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Where in our bytes the next connection goes on.
   *
   * @param received how many the peer had got when it asked for that; it may have acknowledged more
   * since, on the connection that it still had
   * @returns undefined if it cannot have got so many
   */
  continuation(received: number): number | undefined {
    if (!this.#outgoing.canHave(received)) return undefined;
    return Math.max(received, this.#outgoing.acknowledged);
  }

  /**
   * Goes on on another connection.
   *
   * @param received how many bytes we said that we have got
   * @param sent how many the peer says that it has got
   * @returns the former connection, if there is one; it is not used any more
   */
  attach(
    link: StreamLink,
    { received, sent }: { received: number; sent: number },
  ): StreamLink | undefined {
    const former = this.#attached?.link;
    const attached = this.#attached = { link, offset: received };
    if (this.#incoming.taken > 0 || this.#incoming.complete) this.#tell();
    this.#outgoing.attach(link, sent);
    void this.#receive(attached);
    return former;
  }

  async read(): Promise<Uint8Array | null> {
    const bytes = await this.#incoming.read();
    const untold = this.#incoming.taken - this.#told;
    if (untold === 0 || this.#incoming.complete) return bytes;
    if (untold >= this.#options.window / 4) this.#tell();
    else if (untold >= UNTOLD) {
      this.#tellLater ??= this.#options.clock.after(UNTOLD_MS, () => this.#tell());
    }
    return bytes;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#left) return Promise.reject(this.#left.error ?? new Error("the stream is closed"));
    return this.#outgoing.write(bytes);
  }

  end(): Promise<void> {
    return this.#outgoing.end();
  }

  close(error?: Error): void {
    // Both have said all: the peer is only yet to have it, and may come back for that.
    const isFinishing = this.#outgoing.ending && this.#incoming.complete;
    if (this.#ended || (isFinishing && !error)) return this.#incoming.drop();
    this.#incoming.drop();
    this.#leave(error);
  }

  /** Tells the peer of a stream that has ended that we know, and closes the connection. */
  release(): void {
    const link = this.#attached?.link;
    this.#attached = undefined;
    if (!link) return;
    link.send(JSON.stringify({ type: "end" })).catch(() => {});
    link.close();
  }

  /** Ends both directions at once; what has come can still be read, then the error. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#incoming.end(error);
    this.#leave(error);
  }

  /** Tells the peer that it is over, behind all that was written, and forgets what was kept. */
  #leave(error?: Error): void {
    this.#left = { error };
    const link = this.#attached?.link;
    if (link) {
      this.#outgoing.flush(link);
      const reason = error && errorMessage(error).slice(0, MAX_REASON);
      link.send(JSON.stringify({ type: "end", reason })).catch(() => {});
      const isMistake = error instanceof ProtocolError;
      link.close(isMistake ? CloseCode.policyViolation : CloseCode.normal, reason);
    }
    this.#attached = undefined;
    this.#outgoing.stop(error);
    this.#finish(error);
  }

  /** Takes what comes on one connection, for as long as it is the stream's. */
  async #receive(attached: Attached): Promise<void> {
    const { link } = attached;
    try {
      link.deliverTo?.((message) => this.#takeMessage(attached, message));
      for (;;) {
        const message = await link.receive();
        if (message === null) throw new Error("the connection was closed");
        this.#takeMessage(attached, message);
      }
    } catch (error) {
      this.#failed(link, error);
    }
  }

  #takeMessage(attached: Attached, message: string | Uint8Array): void {
    if (this.#attached !== attached) return;
    try {
      if (typeof message !== "string") {
        this.#incoming.add(attached.offset, message);
        attached.offset += message.length;
      } else if (message === EOF_FRAME) {
        this.#incoming.finish(attached.offset);
        this.#tell();
        this.#checkDone();
      } else {
        this.#takeFrame(parseFrame(message, "ack", "end", "replaced", "draining"));
      }
    } catch (error) {
      this.#failed(attached.link, error);
    }
  }

  #takeFrame(frame: StreamFrame): void {
    switch (frame.type) {
      case "ack":
        this.#outgoing.acked(frame);
        return this.#checkDone();
      case "end": {
        const { peer } = this.#options;
        const error = frame.reason === undefined
          ? undefined
          : new PeerEndedError(`the ${peer} ended the connection: ${frame.reason}`);
        this.#incoming.end(error);
        this.#outgoing.stop(error);
        this.#attached?.link.close();
        this.#attached = undefined;
        if (this.#ended) this.#options.onReleased?.();
        return this.#finish(error);
      }
      case "replaced":
        return this.#options.onReplaced?.();
      case "draining":
        return this.#options.onDraining?.();
    }
  }

  #failed(link: StreamLink, thrown: unknown): void {
    if (this.#attached?.link !== link) return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (error instanceof ProtocolError && !this.#ended) {
      const { peer } = this.#options;
      return this.fail(new ProtocolError(`the ${peer} broke the protocol: ${error.message}`));
    }
    this.#attached = undefined;
    this.#outgoing.detach();
    link.close();
    this.#options.onLost(error);
  }

  /** Tells the peer how far the reader is, or at the end of file that it has come. */
  #tell(): void {
    this.#tellLater?.();
    this.#tellLater = undefined;
    const { taken, received, complete } = this.#incoming;
    this.#told = taken;
    const frame = complete ? { received, eof: true } : { received: taken };
    this.#attached?.link.send(JSON.stringify({ type: "ack", ...frame })).catch(() => {});
  }

  #checkDone(): void {
    if (this.#outgoing.done && this.#incoming.complete) this.#finish();
  }

  #finish(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tellLater?.();
    this.#closed.resolve(error);
    this.#options.onEnded();
  }
}
