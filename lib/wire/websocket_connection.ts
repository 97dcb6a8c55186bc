import { FrameWriter } from "./frame_writer.ts";
import { oneLine, type Transport } from "./http_upgrade.ts";
import { MessageQueue } from "./message_queue.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { type Frame, FrameError, FrameParser, Opcode } from "./websocket_frame.ts";

/** The connection ended with a close code other than 1000 and 1001, or without one (1006). */
export class WebSocketClosedError extends Error {
  override name = "WebSocketClosedError";
  /** @param reason one line, the server's words */
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
/** What a fragment costs besides its bytes. */
const FRAGMENT_OVERHEAD = 64;
/** Reading pauses while more than this is queued, in bytes. */
const MAX_QUEUED = 8 * 1024 * 1024;
/** See {@link ReadBuffer}. */
const READ_BUFFER = 256 * 1024;
/** How many pings may stay unanswered. */
const MAX_SILENT_PINGS = 3;
/** How long the peer has to answer a close frame, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5000;

/** Close codes that mean end of file; 1005 stands for a close frame without a code. */
const CLEAN_CODES = new Set([1000, 1001, 1005]);

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FrameError(1007, "a text is not UTF-8");
  }
}

/** The payload of a close frame; the reason is cut to what fits. */
function closePayload(code: number, reason: string): Uint8Array {
  if (code === 1005) return new Uint8Array(0);
  const payload = new Uint8Array(125);
  new DataView(payload.buffer).setUint16(0, code);
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}

function parseClose(payload: Uint8Array): { code: number; reason: string } {
  if (payload.length === 0) return { code: 1005, reason: "" };
  const code = payload.length === 1 ? 0 : payload[0]! << 8 | payload[1]!;
  if (code < 1000 || code > 4999 || (code >= 1004 && code <= 1006) || code === 1015) {
    throw new FrameError(1002, "a close frame has no valid code");
  }
  return { code, reason: oneLine(decodeText(payload.subarray(2))) };
}

/** An open websocket, message by message; for bytes see `websocketStream()`. */
export class WebSocketConnection {
  /** The subprotocol that the server chose, or "". */
  readonly protocol: string;
  /** Settles once the connection is gone; to the error that ended it, if one did. Never rejects. */
  readonly closed: Promise<Error | undefined>;

  readonly #transport: Transport;
  readonly #incoming = new MessageQueue<string | Uint8Array>(MAX_QUEUED);
  readonly #writer: FrameWriter;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #timer: ReturnType<typeof setInterval>;
  /** Whether bytes came since the last tick of the timer. */
  #heard = true;
  #silentPings = 0;
  /** The message whose last fragment has not come yet. */
  #partial: { opcode: number; fragments: Uint8Array[]; length: number } | undefined;
  #closeReceived = false;
  /** Whether nobody cares any more for what comes. */
  #dropped = false;
  #gone = false;

  /** Use `connectWebSocket()`. */
  constructor(
    transport: Transport,
    options: { protocol: string; rest: Uint8Array; pingInterval: number },
  ) {
    this.#transport = transport;
    this.protocol = options.protocol;
    this.closed = this.#closed.promise;
    this.#writer = new FrameWriter(transport, () => {
      // After an error too: the peer may have said why before it closed.
      if (this.#closeReceived) this.#shut();
      else this.#startClosing();
    });
    this.#timer = setInterval(() => this.#tick(), options.pingInterval);
    void this.#read(options.rest);
  }

  /** Whether the peer has closed cleanly: it takes nothing more. */
  get peerClosed(): boolean {
    return this.#closeReceived && this.#incoming.ended?.error === undefined;
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
   * Sends one message; resolves when more is taken, which is its flow control.
   *
   * @param message not to be changed afterwards
   * @throws {Error} if the connection is closed or broke
   */
  async send(message: string | Uint8Array): Promise<void> {
    this.#checkSending();
    if (typeof message !== "string") return await this.#writer.send(Opcode.binary, message);
    await this.#writer.send(Opcode.text, new TextEncoder().encode(message));
  }

  /**
   * Closes with 1000 once all is sent; `receive()` goes on until the peer's own close.
   * A peer that then stays silent for five seconds counts as lost.
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
   * Never throws, may be called again; forced if the peer neither takes it nor answers within five
   * seconds.
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
    const parser = new FrameParser(MAX_MESSAGE_LENGTH);
    try {
      this.#take(parser.push(rest));
      const buffer = new ReadBuffer(READ_BUFFER);
      while (!this.#closeReceived && !this.#gone) {
        await this.#incoming.room();
        const count = await this.#transport.read(buffer.space);
        if (count === null) throw new WebSocketClosedError(1006, "");
        this.#heard = true;
        this.#take(parser.push(buffer.take(count)));
      }
    } catch (thrown) {
      const cause = asError(thrown);
      if (cause instanceof WebSocketClosedError) {
        this.#fail(cause);
      } else if (cause instanceof FrameError) {
        this.#incoming.end(
          new Error(`the server broke the websocket protocol: ${cause.message}`, { cause }),
        );
        this.close(cause.code, cause.message);
      } else {
        this.#fail(new Error(`the connection was lost: ${cause.message}`, { cause }));
      }
    }
  }

  #take(frames: Iterable<Frame>): void {
    for (const frame of frames) {
      this.#takeFrame(frame);
      if (this.#closeReceived) return;
    }
  }

  #takeFrame({ opcode, final, payload }: Frame): void {
    if (opcode === Opcode.ping) {
      this.#writer.pong(payload);
    } else if (opcode === Opcode.close) {
      const { code, reason } = parseClose(payload);
      this.#closeReceived = true;
      this.#incoming.end(
        CLEAN_CODES.has(code) ? undefined : new WebSocketClosedError(code, reason),
      );
      if (this.#writer.closed) return this.#shut();
      this.#startClosing();
      this.#writer.close(closePayload(code, reason));
    } else if (opcode !== Opcode.pong) {
      this.#takeData(opcode, final, payload);
    }
  }

  #takeData(opcode: number, final: boolean, payload: Uint8Array): void {
    if ((opcode === Opcode.continuation) !== (this.#partial !== undefined)) {
      throw new FrameError(1002, "the fragments of messages are mixed up");
    }
    if (this.#partial === undefined && final) return this.#deliver(opcode, payload);

    const partial = this.#partial ??= { opcode, fragments: [], length: 0 };
    partial.fragments.push(payload);
    partial.length += payload.length;
    const cost = partial.length + partial.fragments.length * FRAGMENT_OVERHEAD;
    if (cost > MAX_MESSAGE_LENGTH) throw new FrameError(1009, "a message is too big");
    if (!final) return;
    const message = new Uint8Array(partial.length);
    let at = 0;
    for (const fragment of partial.fragments) {
      message.set(fragment, at);
      at += fragment.length;
    }
    this.#partial = undefined;
    this.#deliver(partial.opcode, message);
  }

  #deliver(opcode: number, message: Uint8Array): void {
    this.#incoming.add(opcode === Opcode.text ? decodeText(message) : message);
  }

  #tick(): void {
    this.#silentPings = this.#heard || this.#incoming.paused ? 0 : this.#silentPings + 1;
    this.#heard = false;
    if (this.#silentPings >= MAX_SILENT_PINGS) {
      this.#fail(new Error("the connection was lost: the server has gone silent"));
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
      const wanted = !this.#dropped && !this.#closeReceived;
      const alive = this.#writer.written > written ||
        (wanted && (this.#heard || this.#incoming.paused));
      if (!alive) {
        const error = this.#writer.error ?? new Error("the server did not answer the close");
        if (wanted) this.#incoming.end(error);
        this.#shut();
      }
      written = this.#writer.written;
      this.#heard = false;
    }, CLOSE_TIMEOUT_MS);
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
