/** Carries out what lifetime.ts decides: one timer, warnings, the log and the end. */

import { formatDuration } from "../../../templates/assets/shared/format.js";
import type { Log } from "../../log/log.ts";
import type { SessionEnd, SessionInfo, SessionObserver } from "../../ssh/connection/handler.ts";
import {
  currentExpiry,
  deadlineOf,
  type Expiration,
  holdChanged,
  jobEnded,
  type LifetimeMode,
  type LifetimeSettings,
  type LifetimeState,
  look,
  startLifetime,
} from "./lifetime.ts";
import { type LifetimeClock, systemClock } from "./clock.ts";
import { endText, warningText } from "./login_message.ts";

/** By how much the hold file must move the deadline to be logged, in milliseconds. */
const HOLD_WORTH_TELLING = 5 * 60_000;

/**
 * Why the agent ends: by itself, or
 *
 * - `stopped`: by `agent stop` or `agent end`.
 * - `cancelled`: by a signal of the operating system, which a cancelled job gets.
 * - `failed`: something went wrong.
 */
export type EndReason = Expiration | "stopped" | "cancelled" | "failed";

/** How the agent is to end. */
export interface LifetimeEnd {
  reason: EndReason;
  /** The exit status. */
  status: number;
  /** Who stopped it, for people. */
  by?: string;
}

/** The lifetime for status messages and pages. Times are Unix times in milliseconds. */
export interface LifetimeStatus {
  deadline: number;
  /** How much each input adds, in milliseconds. */
  expiry: number;
  /** The last input, if there was any. */
  activity?: number;
  /** Whether the hold file exists. */
  held: boolean;
  mode: LifetimeMode;
  sessions: number;
  shells: number;
  /** Whether the agent has been told to end. */
  ending: boolean;
}

export interface LifetimeKeeperOptions extends LifetimeSettings {
  log: Log;
  /** @default "foreground" */
  mode?: LifetimeMode;
  /**
   * Checks the hold file, also before the agent ends: a user may have made it just before leaving.
   * Gets the last known modification time, returns the current one; Unix times in milliseconds.
   */
  readHold?: (known: number | undefined) => number | undefined;
  /** Announces again how to log in. */
  announce?: (status: LifetimeStatus) => void;
  /** @default the machine's own time */
  clock?: LifetimeClock;
}

/**
 * Keeps the agent's time from its construction on. Its methods tell it what happens;
 * {@link LifetimeKeeper.ended} tells that the agent is to end.
 */
export class LifetimeKeeper implements SessionObserver, Disposable {
  readonly #log: Log;
  readonly #clock: LifetimeClock;
  readonly #announce: (status: LifetimeStatus) => void;
  readonly #readHold: (known: number | undefined) => number | undefined;
  readonly #sessions = new Set<SessionInfo>();
  readonly #ended = Promise.withResolvers<LifetimeEnd>();
  #state: LifetimeState;
  /** The last known modification time of the hold file, by the wall clock. */
  #holdModified: number | undefined;
  #holdTold = { held: false, deadline: 0 };
  #cancelTimer = () => {};
  #over = false;

  constructor(options: LifetimeKeeperOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#readHold = options.readHold ?? ((known) => known);
    this.#announce = options.announce ?? (() => {});
    this.#state = startLifetime(options, this.#clock.now(), options.mode);
    this.#look();
  }

  /** Resolves when the agent is to end; shells have been told by then. Never rejects. */
  get ended(): Promise<LifetimeEnd> {
    return this.#ended.promise;
  }

  get status(): LifetimeStatus {
    const { lastInput, hold, mode, sessions, shells } = this.#state;
    return {
      deadline: this.#wallTime(deadlineOf(this.#state)),
      expiry: currentExpiry(this.#state),
      activity: lastInput === undefined ? undefined : this.#wallTime(lastInput),
      held: hold !== undefined,
      mode,
      sessions,
      shells,
      ending: this.#over,
    };
  }

  /** The last known modification time of the hold file; undefined: it does not exist. */
  get holdModified(): number | undefined {
    return this.#holdModified;
  }

  /** Reads the hold file now, for those who are about to be told of it. */
  checkHold(): void {
    this.hold(this.#readHold(this.#holdModified));
  }

  /** A session has opened, which counts as input. */
  opened(session: SessionInfo): void {
    this.checkHold();
    this.#sessions.add(session);
    this.#count({ lastInput: this.#clock.now() });
    this.#logSession("session opened", session);
    this.#look();
  }

  /** A session has ended. A shell that failed is not the last one of its user. */
  closed(session: SessionInfo, { failed }: SessionEnd = { failed: false }): void {
    if (!this.#sessions.delete(session)) return;
    this.#count(session.kind === "shell" && !failed ? { shellEnded: true } : {});
    if (failed) {
      this.#log.warn("a shell failed before any input", { address: session.peer.address });
    }
    this.#logSession("session ended", session);
    this.#look();
  }

  /** A client has sent something. */
  input(): void {
    this.#state = { ...this.#state, lastInput: this.#clock.now() };
    // Only those who were warned have to be told at once that there is more time.
    if (this.#state.told?.warned) this.#look();
  }

  /**
   * The hold file was made, touched or removed.
   *
   * @param modified its modification time, Unix time in milliseconds, or undefined without that
   * file
   */
  hold(modified: number | undefined): void {
    if (modified === this.#holdModified) return;
    this.#holdModified = modified;
    const now = this.#clock.now();
    // Compared with the wall clock once: setting that clock later changes nothing.
    const time = modified === undefined ? undefined : now + modified - this.#clock.wall();
    this.#state = holdChanged(this.#state, now, time);
    this.#logHold();
    this.#look();
  }

  /** The job is over: end as soon as no session is open and the hold file does not exist. */
  release(): void {
    this.#log.info("the job is over and waits for the agent");
    this.#state = jobEnded(this.#state, this.#clock.now());
    this.#look();
  }

  /** Ends the agent at once and tells each shell why. */
  end(reason: EndReason, status = 0, by?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    const text = endText(reason, by);
    this.#shells((shell) => shell.farewell ? shell.farewell(text) : shell.notify(text));
    this.#log.info("the agent is ending", { reason, status, by });
    this.#ended.resolve({ reason, status, ...by === undefined ? {} : { by } });
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#cancelTimer();
  }

  /** Logs a change of the hold file, unless it moves the deadline by little. */
  #logHold(): void {
    const { held, deadline } = this.status;
    const told = this.#holdTold;
    if (held === told.held && Math.abs(deadline - told.deadline) < HOLD_WORTH_TELLING) return;
    this.#holdTold = { held, deadline };
    const event = held ? "hold file set" : "hold file removed";
    this.#log.info(event, { deadline: new Date(deadline).toISOString() });
  }

  #logSession(event: string, { kind, peer }: SessionInfo): void {
    const { shells, sessions } = this.#state;
    // There may be a forward for each request of a browser.
    const level = kind === "forward" ? "debug" : "info";
    this.#log[level](event, { kind, address: peer.address, shells, sessions });
  }

  #count(change: Partial<LifetimeState>): void {
    const shells = [...this.#sessions].filter(({ kind }) => kind === "shell").length;
    this.#state = { ...this.#state, ...change, shells, sessions: this.#sessions.size };
  }

  #look(): void {
    if (this.#over) return;
    this.#cancelTimer();
    const now = this.#clock.now();
    const { state, decision } = look(this.#state, now);
    this.#state = state;
    if (decision.end) {
      const modified = this.#readHold(this.#holdModified);
      return modified === this.#holdModified ? this.end(decision.end) : this.hold(modified);
    }
    if (decision.warning) {
      const { kind, left } = decision.warning;
      const deadline = this.#wallTime(decision.deadline);
      this.#tell(warningText({ kind, left, deadline }));
      this.#log[kind === "near" ? "warn" : "info"](
        kind === "near" ? "the agent ends soon without input" : "the agent has more time",
        { left: formatDuration(left), deadline: new Date(deadline).toISOString() },
      );
    }
    if (decision.announce) this.#announce(this.status);
    const delay = Math.max(1, Math.ceil(decision.next - now));
    this.#cancelTimer = this.#clock.after(delay, () => this.#look());
  }

  /** Shows a message in each shell that has a terminal. */
  #tell(text: string): void {
    this.#shells((shell) => shell.notify(text));
  }

  #shells(action: (shell: SessionInfo) => void): void {
    for (const session of this.#sessions) {
      if (session.kind === "shell" && session.pty) action(session);
    }
  }

  #wallTime(time: number): number {
    return Math.round(this.#clock.wall() + time - this.#clock.now());
  }
}
