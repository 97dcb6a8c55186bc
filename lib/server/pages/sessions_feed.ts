import type { SessionAgent, SessionsQuery, SessionsView } from "../../protocol/sessions_api.ts";
import { textResponse } from "../http/http.ts";
import type { AgentInfo } from "../rendezvous/types.ts";
import { sessionAgent } from "./sessions.ts";
import { parseSessionsQuery, viewSessions } from "./sessions_query.ts";

/** How many agents an answer holds if the query does not say. */
const DEFAULT_LIMIT = 10_000;
/** The share of its time that the server spends on events at most; the rest is for relaying. */
const MAX_SHARE = 0.1;
/** After how many idle intervals a listener gets a comment, so that proxies stay connected. */
const COMMENT_AFTER = 15;

export interface SessionsFeedOptions {
  /** All agents. */
  snapshot(): AgentInfo[];
  /** Asks other servers for theirs; never rejects. @default there are none */
  refresh?(): Promise<void>;
  /** How many other servers did not answer then. @default none */
  silentServers?(): number;
  /** Whether there is no administrator's password, see `sessionAgent()`. */
  open: boolean;
  /** The least time between two updates, in milliseconds. @default 1000 */
  intervalMs?: number;
  /** How many may listen at a time. @default 200 */
  maxListeners?: number;
  /** A clock in milliseconds. @default performance.now */
  now?: () => number;
}

/** A reader of the events. */
interface Listener {
  query: SessionsQuery;
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** The last event that it got, without the time. */
  told: string;
  /** Whether it has connected less than an interval ago. */
  fresh: boolean;
  silent: number;
}

const encoder = new TextEncoder();

/**
 * Tells operators which agents and clients there are: `/api/sessions` once, `/api/sessions/events`
 * as server-sent events. Each event is the full state of what was asked for, so a listener that was
 * away or too slow has missed nothing. When there is too little time for all listeners, each gets
 * events less often.
 */
export class SessionsFeed implements Disposable {
  readonly #options: SessionsFeedOptions;
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** The one that has waited longest comes first. */
  readonly #listeners = new Set<Listener>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: SessionsFeedOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? 1000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether IDs are cut short and addresses left out. */
  get open(): boolean {
    return this.#options.open;
  }

  /** To be called before what is asked for once, so that it is of now. */
  async refresh(): Promise<void> {
    await this.#options.refresh?.();
  }

  /** The agents that `query` finds. */
  view(query: SessionsQuery, agents = this.#agents()): SessionsView {
    const silentServers = this.#options.silentServers?.() || undefined;
    return { ...viewSessions(agents, query, Date.now()), silentServers };
  }

  #agents(): SessionAgent[] {
    return this.#options.snapshot().map((agent) => sessionAgent(agent, this.#options.open));
  }

  /** Answers GET of `/api/sessions` and, with `live`, of `/api/sessions/events`. */
  answer(request: Request, live: boolean): Response {
    const query = parseSessionsQuery(new URL(request.url).searchParams, DEFAULT_LIMIT);
    if (!live) return Response.json(this.view(query));
    if (this.#listeners.size >= (this.#options.maxListeners ?? 200)) {
      const line = "too many listeners: try again later";
      return textResponse(503, line, { "retry-after": "60" });
    }
    return new Response(request.method === "HEAD" ? null : this.#listen(query), {
      // Otherwise nginx buffers events.
      headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" },
    });
  }

  #listen(query: SessionsQuery): ReadableStream<Uint8Array> {
    let listener: Listener;
    return new ReadableStream({
      start: (controller) => {
        listener = { query, controller, told: "", fresh: true, silent: 0 };
        controller.enqueue(encoder.encode("retry: 2000\n\n"));
        this.#listeners.add(listener);
        this.#tell(listener, this.#agents());
        this.#timer ??= setInterval(() => this.#tellAll(), this.#intervalMs);
      },
      cancel: () => this.#forget(listener),
    });
  }

  #forget(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tellAll(): void {
    void this.refresh();
    const agents = this.#agents();
    const end = this.#now() + this.#intervalMs * MAX_SHARE;
    for (const listener of [...this.#listeners]) {
      if (listener.fresh) {
        listener.fresh = false;
        continue;
      }
      this.#listeners.delete(listener);
      this.#listeners.add(listener);
      // One that has not taken the last event gets a newer one later.
      if ((listener.controller.desiredSize ?? 0) > 0) this.#tell(listener, agents);
      if (this.#now() >= end) break;
    }
  }

  #tell(listener: Listener, agents: SessionAgent[]): void {
    const view = this.view(listener.query, agents);
    const told = JSON.stringify({ ...view, now: 0 });
    if (told !== listener.told) {
      listener.told = told;
      listener.silent = 0;
      listener.controller.enqueue(encoder.encode(`data: ${JSON.stringify(view)}\n\n`));
    } else if (++listener.silent >= COMMENT_AFTER) {
      listener.silent = 0;
      listener.controller.enqueue(encoder.encode(": still here\n\n"));
    }
  }

  /** Ends all streams of events. */
  [Symbol.dispose](): void {
    for (const listener of [...this.#listeners]) {
      this.#forget(listener);
      listener.controller.close();
    }
  }
}
