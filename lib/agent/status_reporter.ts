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
}

/** Tells the server's operators which clients have what open, and how long the agent waits. */
export class StatusReporter implements Disposable {
  readonly #options: StatusReporterOptions;
  readonly #clients = new Map<Peer, { key: number; sessions: SessionInfo[] }>();
  readonly #timer: ReturnType<typeof setInterval>;
  #scheduled = false;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#report(), REPORT_EVERY);
  }

  /** A client is connected until `served` settles. */
  client(client: PairedMessage["client"], served: Promise<void>): void {
    this.#clients.set(client, { key: client.key, sessions: [] });
    served.finally(() => {
      this.#clients.delete(client);
      this.#schedule();
    });
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
    const clients = [...this.#clients.values()].slice(0, MAX_CLIENTS).map(({ key, sessions }) => ({
      key,
      sessions: sessions.slice(0, MAX_SESSIONS).map(({ kind }) => kind),
    }));
    this.#options.report({ type: "status", deadline, activity, clients });
  }
}
