import type { Peer, SessionInfo } from "../ssh/connection/handler.ts";
import type { PairedMessage, StatusMessage } from "../protocol/messages.ts";
import type { LifetimeStatus } from "./lifetime/keeper.ts";

/** How often operators are told when only time and input have changed, in milliseconds. */
const REPORT_EVERY = 15_000;

/** The most clients, and sessions of each, in a report: the size of a message is limited. */
const MAX_CLIENTS = 100;
const MAX_SESSIONS = 20;

export interface StatusReporterOptions {
  lifetime: () => Pick<LifetimeStatus, "deadline" | "activity">;
  report: (status: StatusMessage) => void;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** What operators are told of a client. */
interface Reported {
  client: PairedMessage["client"];
  sessions: SessionInfo[];
  /** When it came, in milliseconds since the epoch. */
  since: number;
  /** Whether it is on another connection than its first. */
  hasMoved: boolean;
  /** When it lost its connection, if it has none. */
  away?: number;
}

/** Tells the server's operators which clients have what open, and how long the agent waits. */
export class StatusReporter implements Disposable {
  readonly #options: StatusReporterOptions;
  readonly #now: () => number;
  readonly #clients = new Map<Peer, Reported>();
  readonly #timer: ReturnType<typeof setInterval>;
  #scheduled = false;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => this.#report(), REPORT_EVERY);
  }

  /** A client is connected until `served` settles. */
  client(client: PairedMessage["client"], served: Promise<void>): void {
    this.#clients.set(client, { client, sessions: [], since: this.#now(), hasMoved: false });
    served.finally(() => {
      this.#clients.delete(client);
      this.#schedule();
    });
  }

  /** The client has lost its connection and may come back. */
  lost(client: Peer): void {
    const reported = this.#clients.get(client);
    if (reported) reported.away ??= this.#now();
    this.#schedule();
  }

  /** The client is back, on another connection. */
  back(client: Peer, now: PairedMessage["client"]): void {
    const reported = this.#clients.get(client);
    if (reported) Object.assign(reported, { client: now, hasMoved: true, away: undefined });
    this.#schedule();
  }

  /** A session has opened. */
  opened(session: SessionInfo): void {
    this.#clients.get(session.peer)?.sessions.push(session);
    this.#schedule();
  }

  /** A session has ended. */
  closed(session: SessionInfo): void {
    const client = this.#clients.get(session.peer);
    if (client) client.sessions = client.sessions.filter((other) => other !== session);
    this.#schedule();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Events of one turn make one report. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#report());
  }

  #report(): void {
    this.#scheduled = false;
    const { deadline, activity } = this.#options.lifetime();
    const clients = [...this.#clients.values()].slice(0, MAX_CLIENTS).map(
      ({ client: { key, address }, sessions, since, hasMoved, away }) => ({
        key,
        sessions: sessions.slice(0, MAX_SESSIONS).map(({ kind }) => kind),
        ...hasMoved || away ? { since } : {},
        ...away ? { away, address } : {},
      }),
    );
    this.#options.report({ type: "status", deadline, activity, clients });
  }
}
