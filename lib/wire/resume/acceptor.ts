import { randomBytes } from "node:crypto";
import type { AnswerFrame, ReplacedFrame, ResumeFrame } from "../../protocol/stream_frames.ts";
import { formatDuration } from "../../../templates/assets/shared/format.js";
import { sameSecret } from "../same_secret.ts";
import { StreamBudget } from "./stream_budget.ts";
import { STREAM_CLOCK, type StreamClock } from "./stream_clock.ts";
import type { StreamLink } from "./stream_link.ts";
import { ResumableStream } from "./resumable_stream.ts";

/** The bytes of a stream's name, and of its secret. */
const NAME_BYTES = 16;

/** How many streams that have ended are remembered: who comes back too late is no stranger. */
const MAX_FORMER = 1_000;

export interface AcceptorOptions {
  /** How many bytes may be sent and not taken, each way. */
  window: number;
  /** How much all streams together keep to send again, in bytes. */
  budget: number;
  /** How long a stream waits for its client, in milliseconds. */
  resumeMs: number;
  /** @default the machine's own time */
  clock?: StreamClock;
}

/** How long a client that is not waited for has to take the last bytes, in milliseconds. */
const STRANGER_MS = 5_000;

/** Why a client whose stream has nothing more to give is left. */
const NOT_TAKEN = "the client did not say that it has all, within";

/** Learns what becomes of a stream; `C` is what is known of a client's connection. */
export interface StreamObserver<C> {
  /** The connection was lost. */
  lost?(error: Error): void;
  /** It goes on on another connection; the former one may not have been lost yet. */
  resumed?(client: C): void;
}

/** A stream that a client has opened. */
export interface AcceptedStream {
  readonly stream: ResumableStream;
  /** From here on it waits for its client when a connection is lost. */
  keep(): void;
  /** Nobody reads or writes it any more: the client has some time left to take what was written. */
  served(): void;
}

/** Why a stream cannot go on. */
export interface ResumeRefusal {
  reason: string;
  /** Whether who asks knows the secret: its stream has ended. */
  known: boolean;
}

interface Entry<C> {
  secret: string;
  stream: ResumableStream;
  kept: boolean;
  served: boolean;
  /** The latest try of the client that was accepted. */
  attempt: number;
  observer: StreamObserver<C>;
  /** Stops the wait for the client. */
  stopWaiting?: () => void;
}

function send(link: StreamLink, answer: AnswerFrame | ReplacedFrame): void {
  // Who receives learns that the connection is lost.
  link.send(JSON.stringify(answer)).catch(() => {});
}

/** The resumable streams of a program that clients connect to. */
export class Acceptor<C = void> {
  readonly #options: AcceptorOptions;
  readonly #clock: StreamClock;
  readonly #budget: StreamBudget;
  readonly #entries = new Map<string, Entry<C>>();
  /** The secrets of the latest streams that have ended, the oldest first. */
  readonly #former = new Map<string, string>();

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? STREAM_CLOCK;
    this.#budget = new StreamBudget(options.budget);
  }

  /** How many streams there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The memory that they keep to send again, in bytes. */
  get held(): number {
    return this.#budget.used;
  }

  /** Opens a stream for the client at the other end of a connection. */
  open(link: StreamLink, observer: StreamObserver<C> = {}): AcceptedStream {
    const { window, resumeMs } = this.#options;
    const [name, secret] = [0, 0].map(() => randomBytes(NAME_BYTES).toString("base64url")) as [
      string,
      string,
    ];
    const stream: ResumableStream = new ResumableStream({
      peer: "client",
      window,
      budget: this.#budget,
      clock: this.#clock,
      onLost: (error) => this.#lost(name, entry, error),
      onEnded: () => this.#ended(name, entry),
      onReleased: () => this.#forget(name),
    });
    const entry: Entry<C> = { secret, stream, kept: false, served: false, attempt: 0, observer };
    this.#entries.set(name, entry);
    send(link, { type: "opened", stream: name, secret, window, resumeMs });
    stream.attach(link, { received: 0, sent: 0 });
    return {
      stream,
      keep: () => entry.kept = true,
      served: () => {
        entry.served = true;
        if (!stream.ended) this.#wait(name, NOT_TAKEN);
      },
    };
  }

  /**
   * Lets a stream go on on another connection, in place of the former one, if there still is one.
   *
   * @param client what is known of that connection
   * @returns why not
   */
  resume(link: StreamLink, frame: ResumeFrame, client: C): ResumeRefusal | undefined {
    const { stream: name, secret, attempt, received } = frame;
    const entry = this.#entries.get(name);
    const expected = entry?.secret ?? this.#former.get(name) ?? "";
    const known = expected !== "" && sameSecret(secret, expected);
    if (!entry?.kept) return { reason: "there is no such session here any more", known };
    if (!known) return { reason: "wrong secret", known };
    if (attempt <= entry.attempt) return { reason: "this try was made before", known: false };
    const { stream, observer } = entry;
    const from = stream.continuation(received);
    if (from === undefined) return { reason: "wrong count of bytes", known: false };
    entry.attempt = attempt;
    entry.stopWaiting?.();
    send(link, { type: "resumed", received: stream.received, from });
    const former = stream.attach(link, { received: stream.received, sent: from });
    if (former) {
      send(former, { type: "replaced" });
      former.close();
    }
    if (stream.ended || entry.served) this.#wait(name, NOT_TAKEN);
    else observer.resumed?.(client);
  }

  /** Stops to wait for clients; their streams are for others to end. */
  [Symbol.dispose](): void {
    for (const entry of this.#entries.values()) entry.stopWaiting?.();
    this.#entries.clear();
  }

  #lost(name: string, entry: Entry<C>, error: Error): void {
    const { stream, kept, observer } = entry;
    if (!this.#entries.has(name)) return stream.fail(error);
    if (!kept) return this.#forget(name, error);
    this.#wait(name, `${error.message}; the client was away for`);
    if (!stream.ended) observer.lost?.(error);
  }

  #ended(name: string, { stream, kept }: Entry<C>): void {
    // One that has ended well stays until the client knows.
    if (stream.away || !kept) this.#forget(name);
    else this.#wait(name, NOT_TAKEN);
  }

  /** Gives the client its time from now on. */
  #wait(name: string, reason: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    const ms = entry.kept ? this.#options.resumeMs : STRANGER_MS;
    entry.stopWaiting?.();
    entry.stopWaiting = this.#clock.after(ms, () => {
      const time = formatDuration(ms);
      this.#forget(name, new Error(`${reason} ${time}`));
    });
  }

  #forget(name: string, error = new Error("the stream has ended")): void {
    const entry = this.#entries.get(name);
    if (!this.#entries.delete(name)) return;
    if (this.#former.size >= MAX_FORMER) this.#former.delete(this.#former.keys().next().value!);
    if (entry!.kept) this.#former.set(name, entry!.secret);
    entry!.stopWaiting?.();
    entry!.stream.fail(error);
    entry!.stream.release();
  }
}
