import assert from "node:assert/strict";
import {
  currentExpiry,
  deadlineOf,
  holdChanged,
  jobEnded,
  type LifetimeDecision,
  type LifetimeState,
  look,
  startLifetime,
} from "../../../lib/agent/lifetime/lifetime.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SETTINGS = { expiry: 10 * MINUTE, warningTime: 5 * MINUTE };
/** The clock does not start at zero. */
const START = 7_777;

/** A state whose shells and sessions are open. */
function withShells(shells: number, settings = SETTINGS): LifetimeState {
  return { ...startLifetime(settings, START), shells, sessions: shells };
}

/** Looks whenever it was asked to from the last look to `until`; returns what was to be done. */
function run(state: LifetimeState, until: number) {
  const seen: { at: number; decision: LifetimeDecision }[] = [];
  for (let now = state.looked; now <= until;) {
    const result = look(state, now);
    state = result.state;
    const { end, warning, announce, next } = result.decision;
    if (end || warning || announce) seen.push({ at: now - START, decision: result.decision });
    if (end) break;
    assert.ok(next > now, "it asks to be called in the past");
    now = next;
  }
  const warnings = seen.filter(({ decision }) => decision.warning).map(({ at, decision }) =>
    [at / SECOND, decision.warning!.kind, decision.warning!.left / SECOND] as const
  );
  const announcements = seen.filter(({ decision }) => decision.announce).map(({ at }) => at);
  const last = seen.at(-1);
  return { state, warnings, announcements, end: last?.decision.end, endedAt: last?.at };
}

Deno.test("look() ends at the deadline when nobody comes", () => {
  const { end, endedAt } = run(startLifetime(SETTINGS, START), START + HOUR);
  assert.equal(end, "deadline");
  assert.equal(endedAt, 10 * MINUTE);
});

Deno.test("look() warns from the warning time on, once a minute", () => {
  const { warnings, end } = run(withShells(1), START + HOUR);
  assert.equal(end, "deadline");
  assert.deepEqual(warnings, [
    [300, "near", 300],
    [360, "near", 240],
    [420, "near", 180],
    [480, "near", 120],
    [540, "near", 60],
  ]);
});

Deno.test("look() does not warn without a warning time", () => {
  const { warnings, end } = run(withShells(1, { ...SETTINGS, warningTime: 0 }), START + HOUR);
  assert.deepEqual(warnings, []);
  assert.equal(end, "deadline");
});

Deno.test("deadlineOf() counts from the newest of start, input and hold file", () => {
  const state = startLifetime(SETTINGS, START);
  const ends = (more: Partial<LifetimeState>) => deadlineOf({ ...state, ...more }) - START;
  assert.equal(ends({}), 10 * MINUTE);
  assert.equal(ends({ lastInput: START + MINUTE }), 11 * MINUTE);
  assert.equal(ends({ lastInput: START + MINUTE, hold: START - HOUR }), 11 * MINUTE);
  assert.equal(ends({ lastInput: START + MINUTE, hold: START + 2 * MINUTE }), 12 * MINUTE);
  assert.equal(ends({ hold: START + HOUR }), HOUR + 10 * MINUTE);
});

Deno.test("look() says at once that input has moved a near deadline", () => {
  const warned = run(withShells(1), START + 6 * MINUTE).state;
  const at = START + 6 * MINUTE + 5 * SECOND;
  const { state, decision } = look({ ...warned, lastInput: at }, at);
  assert.deepEqual(decision.warning, {
    deadline: at + 10 * MINUTE,
    left: 10 * MINUTE,
    kind: "extended",
  });
  assert.equal(look({ ...state, lastInput: at + SECOND }, at + SECOND).decision.warning, undefined);
  const later = run(state, at + HOUR).warnings;
  assert.deepEqual(later[0], [(at - START + 5 * MINUTE) / SECOND, "near", 300]);
});

Deno.test("look() warns again soon after a short extension", () => {
  const settings = { expiry: 10 * SECOND, warningTime: 5 * SECOND };
  const warned = run(withShells(1, settings), START + 7 * SECOND).state;
  const now = START + 7 * SECOND;
  const typed = { ...warned, looked: now, lastInput: now };
  const { warnings, end, endedAt } = run(typed, START + HOUR);
  assert.deepEqual(warnings.map(([at, kind]) => [at, kind]), [[7, "extended"], [12, "near"]]);
  assert.equal(end, "deadline");
  assert.equal(endedAt, 17 * SECOND);
});

Deno.test("look() stays calm when the warning time is as long as the expiry", () => {
  let state = withShells(1, { expiry: 5 * MINUTE, warningTime: 5 * MINUTE });
  let told = 0;
  for (let now = START; now <= START + HOUR; now += SECOND) {
    const result = look({ ...state, lastInput: now }, now);
    state = result.state;
    if (result.decision.warning) told++;
  }
  assert.equal(told, 61, "once a minute");
});

Deno.test("look() never warns a user who types more often than twice a minute", () => {
  let state = withShells(1, { expiry: 5 * MINUTE + SECOND, warningTime: 5 * MINUTE });
  let told = 0;
  for (let now = START; now <= START + HOUR; now += 2 * SECOND) {
    for (const at of [now, now + 1_500]) {
      const typed = at === now ? { ...state, lastInput: now } : state;
      const result = look(typed, at);
      state = result.state;
      if (result.decision.warning) told++;
    }
  }
  assert.ok(told <= 122, `${told} times in an hour`);
});

Deno.test("look() ends after the last shell, not before", () => {
  const two = { ...withShells(2), shellEnded: false };
  const one = { ...two, shells: 1, sessions: 1, shellEnded: true };
  assert.equal(look(two, START + 1).decision.end, undefined);
  assert.equal(look(one, START + 1).decision.end, undefined);
  assert.equal(look({ ...one, shells: 0, sessions: 0 }, START + 1).decision.end, "logout");
});

Deno.test("look() waits for open sessions after the last shell, which alone do not end the agent", () => {
  const transfer = { ...startLifetime(SETTINGS, START), sessions: 1 };
  assert.equal(look({ ...transfer, shellEnded: true }, START + 1).decision.end, undefined);
  assert.equal(look({ ...transfer, sessions: 0 }, START + 1).decision.end, undefined);
});

Deno.test("look() stays for the hold file, and ends when that is removed", () => {
  const left = { ...withShells(0), shellEnded: true, hold: START - HOUR };
  assert.equal(look(left, START + 1).decision.end, undefined);
  assert.equal(look(holdChanged(left, START + 2, undefined), START + 2).decision.end, "logout");
  assert.equal(run(left, START + HOUR).endedAt, 10 * MINUTE, "it still has a deadline");
});

Deno.test("look() does not end when the hold file is removed before anybody came", () => {
  const held = { ...startLifetime(SETTINGS, START), hold: START };
  assert.equal(look(holdChanged(held, START + 2, undefined), START + 2).decision.end, undefined);
});

Deno.test("holdChanged() gives open shells a warning period when the hold file goes", () => {
  const now = START + 40 * MINUTE;
  const held = { ...withShells(1), looked: now - SECOND, hold: START + HOUR };
  const { decision } = look(holdChanged(held, now, undefined), now);
  assert.equal(decision.end, undefined);
  assert.deepEqual(decision.warning, {
    deadline: now + 5 * MINUTE,
    left: 5 * MINUTE,
    kind: "near",
  });
  const empty = { ...held, shells: 0, sessions: 0 };
  assert.equal(look(holdChanged(empty, now, undefined), now).decision.end, "deadline");
});

Deno.test("holdChanged() gives no warning period while no shell is open", () => {
  const held = holdChanged(startLifetime(SETTINGS, START), START, START + HOUR);
  const changed = holdChanged(held, START + 9 * MINUTE, undefined);
  assert.equal(deadlineOf(changed), START + 10 * MINUTE);
});

Deno.test("look() gives a fresh warning period after the machine has slept", () => {
  const awake = run(withShells(1), START + MINUTE).state;
  const woken = START + 3 * HOUR;
  const { state, decision } = look(awake, woken);
  assert.equal(decision.end, undefined);
  assert.equal(decision.deadline, woken + 5 * MINUTE);
  assert.equal(decision.warning?.left, 5 * MINUTE);
  assert.equal(run(state, woken + HOUR).endedAt, 3 * HOUR + 5 * MINUTE);
});

Deno.test("look() never shortens a deadline because the machine has slept", () => {
  const held = { ...withShells(0), hold: START + 5 * HOUR };
  const { decision } = look(held, START + 3 * HOUR);
  assert.equal(decision.deadline, START + 5 * HOUR + 10 * MINUTE);
});

Deno.test("look() repeats the announcement while nobody is there, and when the deadline moves", () => {
  const held = { ...startLifetime(SETTINGS, START), hold: START + HOUR };
  const { announcements } = run(held, START + 12 * MINUTE);
  assert.deepEqual(announcements, [0, 5 * MINUTE, 10 * MINUTE], "the first for the new deadline");
  const busy = run({ ...held, shells: 1, sessions: 1 }, START + 12 * MINUTE);
  assert.deepEqual(busy.announcements, []);
});

Deno.test("look() does not announce at each touch of the hold file", () => {
  let state = startLifetime(SETTINGS, START);
  const announced: number[] = [];
  for (let now = START; now <= START + 12 * MINUTE; now += SECOND) {
    const result = look(holdChanged(state, now, now), now);
    state = result.state;
    if (result.decision.announce) announced.push(now - START);
  }
  assert.deepEqual(announced, [5 * MINUTE, 10 * MINUTE]);
});

Deno.test("look() lets shells come and go while the job goes on", () => {
  const state = { ...startLifetime(SETTINGS, START, "background"), shellEnded: true };
  assert.equal(look(state, START + 1).decision.end, undefined);
  const { end, endedAt, announcements } = run(state, START + 24 * HOUR);
  assert.equal(end, "deadline");
  assert.equal(endedAt, 6 * HOUR, "as long as a job may take");
  assert.deepEqual(announcements, [], "nobody watches that log");
});

Deno.test("currentExpiry() keeps a longer one in the background", () => {
  assert.equal(currentExpiry({ mode: "background", expiry: 10 * MINUTE }), 6 * HOUR);
  assert.equal(currentExpiry({ mode: "background", expiry: 7 * HOUR }), 7 * HOUR);
  assert.equal(currentExpiry({ mode: "waiting", expiry: 10 * MINUTE }), 10 * MINUTE);
  assert.equal(currentExpiry({ mode: "foreground", expiry: 10 * MINUTE }), 10 * MINUTE);
});

Deno.test("jobEnded() goes back to the usual expiry, counted from the job's end", () => {
  const state = { ...startLifetime(SETTINGS, START, "background"), shells: 1, sessions: 1 };
  const during = run({ ...state, lastInput: START + HOUR }, START + 4 * HOUR);
  assert.equal(during.end, undefined);
  assert.deepEqual(during.warnings, []);
  const after = run(jobEnded(during.state, START + 4 * HOUR), START + 24 * HOUR);
  assert.equal(after.end, "deadline");
  assert.equal(after.endedAt, 4 * HOUR + 10 * MINUTE);
  assert.equal(after.warnings.length, 5);
});

Deno.test("jobEnded() ends the agent unless a shell is open or it is held", () => {
  const state = startLifetime(SETTINGS, START, "background");
  const now = START + 9 * MINUTE;
  const end = (more: Partial<LifetimeState>) => look(jobEnded({ ...state, ...more }, now), now);
  assert.equal(end({}).decision.end, "released");
  assert.equal(end({ shells: 1, sessions: 1 }).decision.end, undefined);
  assert.equal(end({ sessions: 1 }).decision.end, undefined);
  const held = end({ hold: START });
  assert.equal(held.decision.end, undefined);
  assert.equal(held.decision.deadline, now + 10 * MINUTE);
});
