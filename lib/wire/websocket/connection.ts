import { FrameWriter } from "./frame_writer.ts";
import type { RawConnection } from "../raw_connection.ts";
import { ReadBuffer } from "../read_buffer.ts";
import { Delivery, type Sink } from "./delivery.ts";
import { MessageQueue } from "./message_queue.ts";
import { type Frame, FrameError, FrameParser, Opcode } from "./frame.ts";
import { closePayload, isCleanClose, MessageJoiner, parseClose } from "./message.ts";

/** The connection ended with a close code other than 1000 and 1001, or without one (1006). */
export class WebSocketClosedError extends Error {
  override name = "WebSocketClosedError";
  /** @param reason one line, from the server */
  constructor(readonly code: number, readonly reason: string) {
    super(
      code === 1006
        ? "the connection was lost"
        : `the server closed the connection${reason && `: ${reason}`} (${code})`,
    );
  }
}

/** The largest message that is taken, in bytes. */
const MAX_MESSAGE_LENGTH = 16 * 1024 * 1024;
/** Reading pauses while more than this is queued, in bytes. */
const MAX_QUEUED = 8 * 1024 * 1024;
/** How many pings may stay unanswered. */
const MAX_SILENT_PINGS = 3;
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What a connection starts with. */
export interface WebSocketConnectionOptions {
  /** The subprotocol that the server chose, or "". */
  protocol: string;
  /** What came behind the head of the server's answer. */
  rest: Uint8Array;
  /** See `WebSocketOptions`. */
  pingInterval: number;
  /** See `WebSocketOptions`. */
  closeTimeout: number;
}

/** An open websocket, message by message; for bytes see `websocketStream()`. */
export class WebSocketConnection {
  /** The subprotocol that the server chose, or "". */
  readonly protocol: string;
  /** Settles once the connection is gone; to the error that ended it, if one did. Never rejects. */
  readonly closed: Promise<Error | undefined>;

  /**
   * Sees each text message before those that wait to be received; returns whether it was for it
   * alone. Set at once, or messages may have come already.
   */
  onText: (text: string) => boolean = () => false;

  readonly #transport: RawConnection;
  readonly #incoming = new MessageQueue(MAX_QUEUED);
  readonly #writer: FrameWriter;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #closeTimeout: number;
  #timer: ReturnType<typeof setInterval>;
  /** Whether bytes came since the last tick of the timer. */
  #heard = true;
  #silentPings = 0;
  readonly #parser = new FrameParser(MAX_MESSAGE_LENGTH);
  /** At the last tick: how much was written, and whether messages waited. */
  #last = { written: 0, behind: false };
  readonly #joiner = new MessageJoiner(MAX_MESSAGE_LENGTH);
  /** Whether nothing that may still come counts: after the peer's close frame, or its mistake. */
  #readEnded = false;
  /** Whether what comes is dropped. */
  #dropped = false;
  #gone = false;
  #delivery?: Delivery;

  /** Use `connectWebSocket()`. */
  constructor(transport: RawConnection, options: WebSocketConnectionOptions) {
    this.#transport = transport;
    this.#closeTimeout = options.closeTimeout;
    this.protocol = options.protocol;
    this.closed = this.#closed.promise;
    this.#writer = new FrameWriter(transport, () => {
      // After an error too: the peer may have said why before it closed.
      if (this.#readEnded) this.#shut();
      else this.#startClosing();
    });
    this.#timer = setInterval(() => this.#tick(), options.pingInterval);
    void this.#read(options.rest);
  }

  /** Whether the peer has closed cleanly: it takes nothing more. */
  get peerClosed(): boolean {
    return this.#readEnded && this.#incoming.ended?.error === undefined;
  }

  /**
   * The next message, or null after a clean close (1000, 1001, or no code given). One at a time.
   *
   * @throws {WebSocketClosedError} after any other close, or a loss without a close frame
   * @throws {Error} the transport's own when that broke
   */
  receive(): Promise<string | Uint8Array | null> {
    return this.#incoming.next();
  }

  /**
   * From here on, binary messages are received as a stream: as they come, those that wait joined,
   * and good until the next call of {@link WebSocketConnection.receive}.
   */
  receiveParts(): void {
    this.#parser.inParts = true;
    this.#joiner.inParts = true;
  }

  /**
   * From here on each message goes to `sink` as it comes, and those that wait now; bytes are good
   * until it returns. {@link WebSocketConnection.receive} tells of the end only.
   */
  deliverTo(sink: Sink): void {
    this.receiveParts();
    const delivery = new Delivery(sink);
    for (let message = this.#incoming.take(); message; message = this.#incoming.take()) {
      delivery.add(message);
      delivery.flush();
    }
    this.#delivery = delivery;
  }

  /** Pings every so many milliseconds from here on. */
  pingEvery(milliseconds: number): void {
    if (this.#writer.closing || this.#gone) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), milliseconds);
  }

  /**
   * Sends one message; resolves when more is taken, which is its flow control.
   *
   * @param message not to be changed before that
   * @throws {Error} if the connection is closed or broke
   */
  async send(message: string | Uint8Array): Promise<void> {
    this.#checkSending();
    if (typeof message !== "string") return await this.#writer.send(Opcode.binary, message);
    await this.#writer.send(Opcode.text, new TextEncoder().encode(message));
  }

  /**
   * Closes with 1000 once all is sent; `receive()` goes on until the peer's own close.
   * A peer that then stays silent for `closeTimeout` counts as lost.
   *
   * @throws {Error} if the connection is closed or broke
   */
  async end(): Promise<void> {
    this.#checkSending();
    this.#writer.close(closePayload(1000, ""));
    await this.#writer.whenClosed();
  }

  /**
   * Ends both directions; what was sent is still written, what comes is dropped.
   * Never throws, may be called again; forced if the peer neither takes it nor answers within
   * `closeTimeout`.
   */
  close(code = 1000, reason = ""): void {
    if (this.#dropped || this.#gone) return;
    this.#dropped = true;
    this.#incoming.drop();
    this.#startClosing();
    this.#writer.close(closePayload(code, reason));
  }

  #checkSending(): void {
    if (this.#writer.error !== undefined) throw this.#incoming.ended?.error ?? this.#writer.error;
    if (this.#writer.closing) {
      throw this.#incoming.ended?.error ?? new Error("the connection is closed");
    }
  }

  async #read(rest: Uint8Array): Promise<void> {
    const buffer = new ReadBuffer(this.#transport);
    try {
      this.#take(this.#parser.push(rest));
      while (!this.#readEnded && !this.#gone) {
        await this.#incoming.room();
        await this.#delivery?.whenWanted();
        const bytes = await buffer.read();
        if (bytes === null) throw new WebSocketClosedError(1006, "");
        this.#heard = true;
        this.#take(this.#parser.push(bytes));
      }
    } catch (thrown) {
      const cause = asError(thrown);
      if (cause instanceof WebSocketClosedError) {
        this.#fail(cause);
      } else if (cause instanceof FrameError) {
        this.#incoming.end(
          new Error(`the server broke the websocket protocol: ${cause.message}`, { cause }),
        );
        this.#readEnded = true;
        this.close(cause.code, cause.message);
      } else {
        this.#fail(new Error(`the connection was lost: ${cause.message}`, { cause }));
      }
    }
    buffer.free();
  }

  #take(frames: Iterable<Frame>): void {
    try {
      for (const frame of frames) {
        this.#takeFrame(frame);
        if (this.#readEnded) return;
      }
    } finally {
      this.#delivery?.flush();
    }
  }

  #takeFrame(frame: Frame): void {
    if (frame.opcode === Opcode.ping) {
      this.#writer.pong(frame.payload);
    } else if (frame.opcode === Opcode.close) {
      const { code, reason } = parseClose(frame.payload);
      this.#readEnded = true;
      this.#incoming.end(
        isCleanClose(code) ? undefined : new WebSocketClosedError(code, reason),
      );
      if (this.#writer.closed) return this.#shut();
      this.#startClosing();
      this.#writer.close(closePayload(code, reason));
    } else if (frame.opcode !== Opcode.pong) {
      const message = this.#joiner.join(frame);
      if (message === undefined || (typeof message === "string" && this.onText(message))) return;
      if (this.#dropped) return;
      if (this.#delivery) this.#delivery.add(message);
      else if (typeof message !== "string" && this.#joiner.inParts) this.#incoming.addPart(message);
      else this.#incoming.add(message);
    }
  }

  #tick(): void {
    const { written, behind } = this.#writer;
    // A slow link may hold pings up, but then the transport takes what waits before them.
    const takes = this.#last.behind && written > this.#last.written;
    const alive = this.#heard || takes || this.#incoming.paused;
    this.#silentPings = alive ? 0 : this.#silentPings + 1;
    this.#heard = false;
    this.#last = { written, behind };
    if (this.#silentPings >= MAX_SILENT_PINGS) {
      this.#fail(new Error("the connection was lost: the server is silent"));
    } else {
      this.#writer.ping();
    }
  }

  /** From now on the peer has to end the connection soon, or at least to take or send something. */
  #startClosing(): void {
    clearInterval(this.#timer);
    if (this.#gone) return;
    this.#heard = false;
    let written = this.#writer.written;
    this.#timer = setInterval(() => {
      const wanted = !this.#dropped && !this.#readEnded;
      const alive = this.#writer.written > written ||
        (wanted && (this.#heard || this.#incoming.paused));
      if (!alive) {
        const error = this.#writer.error ?? new Error("the server did not answer the close");
        if (wanted) this.#incoming.end(error);
        this.#shut();
      }
      written = this.#writer.written;
      this.#heard = false;
    }, this.#closeTimeout);
  }

  #fail(error: Error): void {
    this.#incoming.end(error);
    this.#shut();
  }

  #shut(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearInterval(this.#timer);
    const error = this.#incoming.ended?.error;
    this.#writer.stop(error ?? new Error("the connection is closed"));
    try {
      this.#transport.close();
    } catch {
      // It is closed already.
    }
    this.#closed.resolve(error);
  }
}
