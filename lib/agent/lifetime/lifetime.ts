/**
 * When the agent ends, and the warnings before: pure decisions; keeper.ts carries them out.
 *
 * All times are milliseconds of a monotonic clock, so that setting the machine's clock changes
 * nothing. Such a clock may still jump, or stand still, while the machine sleeps: {@link look}
 * wants to be called often, and when it was not, it starts a new warning period instead of ending
 * the agent at once.
 *
 * @module
 */

/** The options, in milliseconds. */
export interface LifetimeSettings {
  /** How long the agent lives without input. */
  expiry: number;
  /** How long before the deadline warnings start. */
  warningTime: number;
}

/**
 * - `foreground`: the agent ends when its last shell has ended.
 * - `background`: the job goes on beside the agent, shells may come and go, and nobody has to.
 * - `waiting`: the job is over and waits for the agent, which ends as soon as no shell is open.
 */
export type LifetimeMode = "foreground" | "background" | "waiting";

/** Everything that a decision depends on. */
export interface LifetimeState extends LifetimeSettings {
  readonly mode: LifetimeMode;
  readonly start: number;
  /** The last input of any client. */
  readonly lastInput?: number;
  /** The hold file's modification time, maybe in the future; missing without the file. */
  readonly hold?: number;
  /** Open sessions with a shell in them. */
  readonly shells: number;
  /** Open sessions of any kind, those with shells included. */
  readonly sessions: number;
  /** Whether a shell has been open and has ended. */
  readonly shellEnded: boolean;
  /** When a warning period started in which nobody may be disconnected. */
  readonly graceFrom?: number;
  /** When {@link look} was last called. */
  readonly looked: number;
  /** What the shells were told last. */
  readonly told?: { at: number; deadline: number; warned: boolean };
  /** What the job's log was told last. */
  readonly announced: { at: number; deadline: number };
}

/**
 * - `logout`: the last shell ended.
 * - `released`: the job is over, and no session is open.
 * - `deadline`: there was no input for too long.
 */
export type Expiration = "logout" | "released" | "deadline";

/** What shells and the log are told. */
export interface LifetimeWarning {
  deadline: number;
  /** Milliseconds until the deadline. */
  left: number;
  /** `extended`: the deadline was near, and no longer is. */
  kind: "near" | "extended";
}

/** What is to be done now. */
export interface LifetimeDecision {
  deadline: number;
  /** Why the agent is to end now. */
  end?: Expiration;
  warning?: LifetimeWarning;
  /** Whether the job's log is to be told again how to log in. */
  announce: boolean;
  /** Call {@link look} again at this time at the latest. */
  next: number;
}

/** How often {@link look} wants to be called at least. */
const LOOK_EVERY = 30_000;
/** After a longer time without a call the machine was asleep, not just busy. */
const ASLEEP_AFTER = 2 * LOOK_EVERY;
/** How often a warning is repeated, and by how much a deadline must move to be told in shells. */
const MINUTE = 60_000;
/**
 * How often the agent announces itself while nobody is logged in, and by how much a deadline must
 * move to be announced at once: a script may touch the hold file all the time.
 */
const ANNOUNCE_EVERY = 5 * MINUTE;

/**
 * How long an agent in the background lives without input at least: as long as a job may take in
 * the large CI systems. It has to run still when the job is over and waits for it, but not forever
 * if the job never does.
 */
const BACKGROUND_EXPIRY = 6 * 60 * MINUTE;

/** The state of an agent that has just started and has announced itself. */
export function startLifetime(
  settings: LifetimeSettings,
  now: number,
  mode: LifetimeMode = "foreground",
): LifetimeState {
  const { expiry, warningTime } = settings;
  return {
    expiry,
    warningTime,
    mode,
    start: now,
    shells: 0,
    sessions: 0,
    shellEnded: false,
    looked: now,
    announced: { at: now, deadline: now + currentExpiry({ mode, expiry }) },
  };
}

/** How long the agent lives without input, in milliseconds. */
export function currentExpiry(state: Pick<LifetimeState, "mode" | "expiry">): number {
  return state.mode === "background" ? Math.max(state.expiry, BACKGROUND_EXPIRY) : state.expiry;
}

/** The time at which the agent ends if nothing happens until then. */
export function deadlineOf(state: LifetimeState): number {
  const newest = Math.max(state.start, state.lastInput ?? -Infinity, state.hold ?? -Infinity);
  const grace = (state.graceFrom ?? -Infinity) + Math.min(state.warningTime, state.expiry);
  return Math.max(newest + currentExpiry(state), grace);
}

/** The hold file was made, touched or (without `modified`) removed. */
export function holdChanged(
  state: LifetimeState,
  now: number,
  modified: number | undefined,
): LifetimeState {
  const changed = { ...state, hold: modified };
  // No user is disconnected at once because another one removed the hold file.
  const sudden = state.shells > 0 && deadlineOf(changed) < deadlineOf(state);
  return sudden ? { ...changed, graceFrom: now } : changed;
}

/** The job is over and waits: the time counts from now on, with the usual expiry. */
export function jobEnded(state: LifetimeState, now: number): LifetimeState {
  return { ...state, mode: "waiting", start: now };
}

/** Why the agent is to end now, if it is. */
function expiration(state: LifetimeState, now: number, deadline: number): Expiration | undefined {
  if (now >= deadline) return "deadline";
  const idle = state.sessions === 0 && state.hold === undefined;
  if (!idle || state.mode === "background") return undefined;
  if (state.mode === "waiting") return "released";
  return state.shellEnded ? "logout" : undefined;
}

/** When the next warning is due; in the past or now if it is due now. */
function warningDue(state: LifetimeState, now: number, deadline: number): number {
  const { told, warningTime } = state;
  const near = deadline - warningTime;
  if (now < near) return told?.warned ? now : near;
  if (told === undefined) return now;
  // A user who types while the deadline is always near must not be warned at every key.
  const apart = Math.min(MINUTE, warningTime / 2);
  if (!told.warned) return told.at + apart;
  if (deadline < told.deadline) return now;
  return told.at + (deadline >= told.deadline + MINUTE ? apart : MINUTE);
}

/** When the job's log is due to be told again how to log in. */
function announceDue(state: LifetimeState, now: number, deadline: number): number {
  // Nobody reads the log of an agent in the background.
  if (state.sessions > 0 || state.mode === "background") return Infinity;
  const moved = Math.abs(deadline - state.announced.deadline) >= ANNOUNCE_EVERY;
  return moved ? now : state.announced.at + ANNOUNCE_EVERY;
}

/** Decides what is to be done now, and returns the state after it is done. */
export function look(
  before: LifetimeState,
  now: number,
): { state: LifetimeState; decision: LifetimeDecision } {
  const slept = now - before.looked > ASLEEP_AFTER;
  let state: LifetimeState = { ...before, looked: now, graceFrom: slept ? now : before.graceFrom };
  const deadline = deadlineOf(state);
  const end = expiration(state, now, deadline);
  if (end) return { state, decision: { deadline, end, announce: false, next: Infinity } };

  let warning: LifetimeWarning | undefined;
  if (warningDue(state, now, deadline) <= now) {
    const left = deadline - now;
    const warned = left <= state.warningTime;
    warning = { deadline, left, kind: warned ? "near" : "extended" };
    state = { ...state, told: { at: now, deadline, warned } };
  }
  const announce = announceDue(state, now, deadline) <= now;
  if (announce) state = { ...state, announced: { at: now, deadline } };

  const next = Math.min(
    deadline,
    now + LOOK_EVERY,
    warningDue(state, now, deadline),
    announceDue(state, now, deadline),
  );
  return { state, decision: { deadline, warning, announce, next } };
}
