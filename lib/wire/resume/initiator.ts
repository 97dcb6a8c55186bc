import { type DrainingMessage, PLAIN_FRAME, ProtocolError } from "../../protocol/messages.ts";
import {
  type AnswerFrame,
  type OpenedFrame,
  parseFrame,
  type RequestFrame,
  type ResumedFrame,
} from "../../protocol/stream_frames.ts";
import { formatDuration } from "../../../templates/assets/shared/format.js";
import { Backoff } from "../dial/backoff.ts";
import { StreamBudget } from "./stream_budget.ts";
import { STREAM_CLOCK, type StreamClock } from "./stream_clock.ts";
import type { StreamLink } from "./stream_link.ts";
import { ResumableStream } from "./resumable_stream.ts";

/** The largest window that is granted, in bytes, whatever the agent proposes. */
const MAX_WINDOW = 8 * 1024 * 1024;

export interface InitiatorOptions {
  /**
   * Opens another connection.
   *
   * @param waitMs how long the stream still waits, in milliseconds
   * @throws {Error} if it cannot; `retryAfterMs` in it says when to try again
   */
  connect: (options: { signal: AbortSignal; waitMs: number }) => Promise<StreamLink>;
  /** How long to try to come back, in milliseconds; the agent's own time may be shorter. */
  resumeMs: number;
  /** The connection was lost; told again when it is back. */
  onLost?: (error: Error) => void;
  onResumed?: () => void;
  /** @default the machine's own time */
  clock?: StreamClock;
  /** From 0 up to but not including 1. @default Math.random */
  random?: () => number;
}

/** What a server asks to wait before another try. */
export interface RetryLater extends Error {
  retryAfterMs?: number;
}

/** The agent does not take us, for good. */
export class StreamRefusedError extends Error {
  override name = "StreamRefusedError";
}

/** A stream that the agent has opened. */
export interface OpenedStream {
  stream: ResumableStream;
  /** Goes on on another connection, because the present one may be lost; that is used meanwhile. */
  move(): void;
}

/**
 * Asks the agent at the other end of a new connection for a stream.
 *
 * @returns undefined if the agent knows nothing of such streams: the connection carries plain bytes
 * @throws {StreamRefusedError} if the agent refuses
 * @throws {Error} if the connection is lost
 */
export async function openStream(
  link: StreamLink,
  options: InitiatorOptions,
): Promise<OpenedStream | undefined> {
  const { answer, draining } = await ask<OpenedFrame>(link, { type: "open" }, "opened");
  if (answer === undefined) return;
  const initiator = new Initiator(link, answer, options);
  if (draining) initiator.move();
  return initiator;
}

/** What an agent has answered. */
interface Answered<A> {
  /** Missing: {@link PLAIN_FRAME}. */
  answer?: A;
  /** Whether the server is about to end. */
  draining: boolean;
}

/** Sends a request and waits for the answer. */
async function ask<A extends AnswerFrame>(
  link: StreamLink,
  request: RequestFrame,
  expected: A["type"],
): Promise<Answered<A>> {
  link.send(JSON.stringify(request)).catch(() => {});
  let draining = false;
  for (;;) {
    const text = await link.receive();
    if (text === null) throw new Error("the connection was closed before the agent answered");
    if (text === PLAIN_FRAME) return { draining };
    const answer = parseAnswer<A>(text, expected);
    if (answer.type === "refused") {
      const message = `the agent refused the connection: ${answer.reason}`;
      throw answer.retry ? new Error(message) : new StreamRefusedError(message);
    }
    if (answer.type !== "draining") return { answer: answer as A, draining };
    draining = true;
  }
}

function parseAnswer<A extends AnswerFrame>(
  text: string | Uint8Array,
  expected: A["type"],
): AnswerFrame | DrainingMessage {
  try {
    return parseFrame<AnswerFrame | DrainingMessage>(text, expected, "refused", "draining");
  } catch (cause) {
    const { message } = cause as Error;
    throw new ProtocolError(`the agent broke the protocol: ${message}`, { cause });
  }
}

/** The client's side of a stream: it brings the next connection. */
class Initiator implements OpenedStream {
  readonly stream: ResumableStream;
  readonly #options: InitiatorOptions;
  readonly #clock: StreamClock;
  readonly #opened: OpenedFrame;
  readonly #resumeMs: number;
  readonly #over = new AbortController();
  #attempt = 0;
  /** The attempts when the present connection became that. */
  #attached = 0;
  /** Until when another connection is tried, by the clock; 0 if none is wanted. */
  #until = 0;
  #trying = false;
  /** Why the latest try did not help. */
  #failure?: Error;
  #stopDeadline?: () => void;

  constructor(link: StreamLink, opened: OpenedFrame, options: InitiatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? STREAM_CLOCK;
    this.#opened = opened;
    this.#resumeMs = Math.min(options.resumeMs, opened.resumeMs);
    this.stream = new ResumableStream({
      peer: "agent",
      window: Math.min(opened.window, MAX_WINDOW),
      budget: new StreamBudget(Infinity),
      clock: this.#clock,
      onLost: (error) => this.#lost(error),
      onDraining: () => this.move(),
      onReplaced: () => this.#replaced(),
      onEnded: () => this.#ended(),
    });
    this.stream.attach(link, { received: 0, sent: 0 });
  }

  #lost(error: Error): void {
    const time = formatDuration(this.#resumeMs);
    this.#stopDeadline = this.#clock.after(this.#resumeMs, () => {
      const why = this.#failure ? `: ${this.#failure.message}` : "";
      this.stream.fail(new Error(`${error.message}; could not reconnect within ${time}${why}`));
    });
    this.#options.onLost?.(error);
    this.move();
  }

  move(): void {
    this.#until = this.#clock.now() + this.#resumeMs;
    if (!this.#trying) void this.#try();
  }

  #replaced(): void {
    // By our own try, whose answer is on its way or was lost.
    if (this.#attempt > this.#attached) return;
    this.stream.fail(new Error("another client goes on with this session"));
  }

  #ended(): void {
    this.#stopDeadline?.();
    this.#over.abort();
    this.stream.release();
  }

  async #try(): Promise<void> {
    this.#trying = true;
    const backoff = new Backoff({ random: this.#options.random });
    const { signal } = this.#over;
    while (!signal.aborted && this.#until > this.#clock.now()) {
      let waitMs = backoff.next();
      try {
        await this.#resume();
      } catch (error) {
        if (error instanceof StreamRefusedError || error instanceof ProtocolError) {
          this.stream.fail(error);
        }
        this.#failure = error as Error;
        waitMs += (error as RetryLater).retryAfterMs ?? 0;
      }
      if (this.#until > 0) await this.#delay(waitMs);
    }
    this.#trying = false;
  }

  /** @throws {Error} if that fails */
  async #resume(): Promise<void> {
    const { signal } = this.#over;
    const waitMs = this.#until - this.#clock.now();
    const link = await this.#options.connect({ signal, waitMs });
    const leave = () => link.close();
    signal.addEventListener("abort", leave);
    try {
      const { stream: name, secret } = this.#opened;
      const { received } = this.stream;
      const attempt = ++this.#attempt;
      const request = { type: "resume" as const, stream: name, secret, attempt, received };
      const { answer, draining } = await ask<ResumedFrame>(link, request, "resumed");
      signal.throwIfAborted();
      if (!answer) throw new StreamRefusedError("the agent cannot go on with the session");
      // Bytes may have come on the present connection meanwhile.
      const isOurs = answer.from >= received && answer.from <= this.stream.received;
      if (this.stream.continuation(answer.received) !== answer.received || !isOurs) {
        throw new ProtocolError("the agent broke the protocol: it has another count of bytes");
      }
      this.#goOn(link, answer.from, answer.received);
      if (draining) this.move();
    } catch (error) {
      link.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #goOn(link: StreamLink, received: number, sent: number): void {
    const wasAway = this.stream.away;
    this.#stopDeadline?.();
    this.#until = 0;
    this.#attached = this.#attempt;
    this.stream.attach(link, { received, sent })?.close();
    if (wasAway) this.#options.onResumed?.();
  }

  async #delay(milliseconds: number): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#clock.after(milliseconds, resolve);
    const wake = () => resolve();
    signal.addEventListener("abort", wake);
    await promise;
    signal.removeEventListener("abort", wake);
    stop();
  }
}
