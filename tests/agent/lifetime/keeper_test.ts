import assert from "node:assert/strict";
import { LifetimeKeeper, type LifetimeKeeperOptions } from "../../../lib/agent/lifetime/keeper.ts";
import { createLog } from "../../../lib/log/log.ts";
import type { SessionInfo } from "../../../lib/ssh/connection/handler.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface FakeSession extends SessionInfo {
  told: string[];
}

let sessions = 0;

function session(kind: SessionInfo["kind"] = "shell", pty = kind === "shell"): FakeSession {
  const told: string[] = [];
  return {
    ...{ id: ++sessions, kind, pty, told, peer: { address: "192.0.2.1" } },
    notify: (text) => told.push(String(text)),
  };
}

/** A keeper with a fake clock; `state` tells whether and how it has ended. */
function setUp(options: Partial<LifetimeKeeperOptions> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const announced: number[] = [];
  const keeper = new LifetimeKeeper({
    expiry: 10 * MINUTE,
    warningTime: 5 * MINUTE,
    clock,
    log: createLog({ write: (line) => lines.push(line), now: clock.wall }),
    announce: ({ deadline }) => announced.push(deadline),
    ...options,
  });
  return { clock, keeper, lines, announced };
}

Deno.test("LifetimeKeeper ends when nobody comes, and leaves no timer", async () => {
  const { clock, keeper, lines } = setUp();
  clock.pass(HOUR);
  assert.deepEqual(await keeper.ended, { reason: "deadline", status: 0 });
  assert.equal(clock.timers, 0);
  assert.equal(lines.filter((line) => line.includes("ends soon")).length, 5);
  assert.match(lines.at(-1)!, /the agent is ending reason=deadline status=0/);
});

Deno.test("LifetimeKeeper warns in every shell with a terminal and nowhere else", async () => {
  const { clock, keeper } = setUp();
  const quiet = [session("exec"), session("exec", true), session("sftp"), session("forward")];
  const shells = [session(), session()];
  for (const each of [...quiet, session("shell", false), ...shells]) keeper.opened(each);
  clock.pass(5 * MINUTE);
  for (const { told } of shells) {
    assert.deepEqual(told, [
      "Converge: the agent ends at 12:10:00 UTC, in 5m. Type anything to keep it.",
    ]);
  }
  clock.pass(5 * MINUTE);
  assert.equal((await keeper.ended).reason, "deadline");
  for (const { told } of shells) {
    assert.equal(told.length, 6);
    assert.equal(told.at(-1), "Converge: the agent ends: there was no input for too long.");
  }
  for (const { told } of quiet) assert.deepEqual(told, []);
});

Deno.test("LifetimeKeeper takes a session and input as activity", async () => {
  const { clock, keeper } = setUp();
  const shell = session();
  clock.pass(9 * MINUTE);
  keeper.opened(shell);
  clock.pass(9 * MINUTE);
  keeper.input();
  assert.match(shell.told.at(-1)!, /^Converge: the agent now ends at 12:28:00 UTC/);
  assert.equal(keeper.status.activity, clock.wall());
  clock.pass(10 * MINUTE - 1);
  assert.equal(keeper.status.deadline, clock.wall() + 1);
  clock.pass(1);
  assert.equal((await keeper.ended).reason, "deadline");
});

Deno.test("LifetimeKeeper tells two shells that one of them is used", () => {
  const { clock, keeper } = setUp();
  using _ = keeper;
  const shells = [session(), session()];
  shells.forEach((shell) => keeper.opened(shell));
  clock.pass(6 * MINUTE);
  keeper.input();
  for (const { told } of shells) assert.match(told.at(-1)!, /now ends/);
});

Deno.test("LifetimeKeeper ends after the last shell, once transfers are over", async () => {
  const { keeper } = setUp();
  const [shell, transfer] = [session(), session("sftp")];
  keeper.opened(shell);
  keeper.opened(transfer);
  keeper.closed(shell);
  assert.equal(keeper.status.sessions, 1);
  keeper.closed(transfer);
  assert.deepEqual(await keeper.ended, { reason: "logout", status: 0 });
});

Deno.test("LifetimeKeeper does not end after a transfer alone", () => {
  const { clock, keeper } = setUp();
  using _ = keeper;
  const transfer = session("sftp");
  keeper.opened(transfer);
  keeper.closed(transfer);
  clock.pass(MINUTE);
  assert.equal(clock.timers, 1, "it still runs");
});

Deno.test("LifetimeKeeper stays for the hold file and ends when that goes", async () => {
  const { clock, keeper, announced } = setUp();
  const shell = session();
  keeper.opened(shell);
  keeper.hold(clock.wall());
  clock.pass(2 * MINUTE);
  keeper.closed(shell);
  assert.equal(keeper.status.held, true);
  assert.equal(announced.length, 0);
  clock.pass(4 * MINUTE);
  assert.equal(announced.length, 1, "the log tells again how to log in");
  keeper.hold(undefined);
  assert.equal((await keeper.ended).reason, "logout");
});

Deno.test("LifetimeKeeper sees a hold file made just before the last logout", () => {
  const file: { modified?: number } = {};
  const { clock, keeper } = setUp({ readHold: () => file.modified });
  using _ = keeper;
  const shell = session();
  keeper.opened(shell);
  file.modified = clock.wall();
  keeper.closed(shell);
  assert.equal(keeper.status.held, true);
  assert.equal(keeper.status.ending, false);
});

Deno.test("LifetimeKeeper sees a hold file made just before a session opens", () => {
  const file: { modified?: number } = {};
  const { clock, keeper } = setUp({ readHold: () => file.modified });
  using _ = keeper;
  file.modified = clock.wall() + HOUR;
  keeper.opened(session());
  assert.equal(keeper.status.deadline, file.modified + 10 * MINUTE);
});

Deno.test("LifetimeKeeper sees a hold file touched just before the deadline", async () => {
  const file: { modified?: number } = {};
  const { clock, keeper } = setUp({ readHold: () => file.modified });
  clock.pass(10 * MINUTE - 1);
  file.modified = clock.wall();
  clock.pass(10 * MINUTE - 1);
  assert.equal(keeper.status.ending, false);
  clock.pass(1);
  assert.equal((await keeper.ended).reason, "deadline");
});

Deno.test("LifetimeKeeper extends by a hold file touched into the future", () => {
  const { clock, keeper, announced } = setUp();
  using _ = keeper;
  keeper.hold(clock.wall() + HOUR);
  assert.equal(keeper.status.deadline, clock.wall() + HOUR + 10 * MINUTE);
  assert.deepEqual(announced, [keeper.status.deadline]);
});

Deno.test("LifetimeKeeper does not care when the machine's clock is set", async () => {
  const { clock, keeper } = setUp();
  keeper.hold(clock.wall() + HOUR);
  clock.setWall(clock.wall() + 24 * HOUR);
  clock.pass(HOUR);
  assert.equal(keeper.status.deadline, clock.wall() + 10 * MINUTE, "told by the clock as it is");
  clock.setWall(clock.wall() - 48 * HOUR);
  keeper.hold(clock.wall() - 48 * HOUR);
  clock.pass(10 * MINUTE);
  assert.equal((await keeper.ended).reason, "deadline");
});

Deno.test("LifetimeKeeper warns again after the machine has slept past the deadline", async () => {
  const { clock, keeper } = setUp();
  const shell = session();
  keeper.opened(shell);
  clock.pass(MINUTE);
  clock.sleep(3 * HOUR);
  assert.match(shell.told.at(-1)!, /in 5m\. Type anything/);
  clock.pass(5 * MINUTE);
  assert.equal((await keeper.ended).reason, "deadline");
});

Deno.test("LifetimeKeeper lives on in the background until the job is over", async () => {
  const { clock, keeper } = setUp({ mode: "background" });
  const shell = session();
  keeper.opened(shell);
  keeper.closed(shell);
  assert.equal(keeper.status.mode, "background");
  clock.pass(5 * HOUR);
  assert.equal(keeper.status.deadline, clock.wall() + HOUR);
  assert.equal(keeper.status.expiry, 6 * HOUR);
  keeper.release();
  assert.equal(keeper.status.ending, true);
  assert.equal((await keeper.ended).reason, "released");
});

Deno.test("LifetimeKeeper waits after the job for a shell, with the usual expiry", async () => {
  const { clock, keeper } = setUp({ mode: "background" });
  const shell = session();
  keeper.opened(shell);
  clock.pass(3 * HOUR);
  keeper.release();
  assert.equal(keeper.status.ending, false);
  assert.equal(keeper.status.mode, "waiting");
  assert.equal(keeper.status.deadline, clock.wall() + 10 * MINUTE);
  keeper.closed(shell);
  assert.equal((await keeper.ended).reason, "released");
});

Deno.test("LifetimeKeeper tells the log who is there, and of the hold file", () => {
  const { clock, keeper, lines } = setUp();
  using _ = keeper;
  const [shell, transfer, forward] = [session(), session("sftp"), session("forward")];
  for (const each of [shell, transfer, forward]) keeper.opened(each);
  keeper.hold(clock.wall() + HOUR);
  for (const each of [shell, transfer, forward]) keeper.closed(each);
  keeper.hold(undefined);
  assert.deepEqual(lines.map((line) => line.split(" info ")[1]?.trim()), [
    "session opened kind=shell address=192.0.2.1 shells=1 sessions=1",
    "session opened kind=sftp address=192.0.2.1 shells=1 sessions=2",
    "hold file set deadline=2026-01-31T13:10:00.000Z",
    "session ended kind=shell address=192.0.2.1 shells=0 sessions=2",
    "session ended kind=sftp address=192.0.2.1 shells=0 sessions=1",
    "hold file removed deadline=2026-01-31T12:10:00.000Z",
    "the agent is ending reason=logout status=0",
  ]);
});

Deno.test("LifetimeKeeper warns of a shell that failed, and stays for another", () => {
  const { keeper, lines } = setUp();
  using _ = keeper;
  const shell = session();
  keeper.opened(shell);
  keeper.closed(shell, { failed: true });
  assert.match(lines[1]!, /warn a shell failed before any input address=192\.0\.2\.1/);
  assert.match(lines.at(-1)!, /session ended/);
});

Deno.test("LifetimeKeeper does not fill the log when the hold file is touched all the time", () => {
  const { clock, keeper, lines } = setUp();
  using _ = keeper;
  keeper.opened(session());
  for (let i = 0; i < 10 * 60; i++) {
    keeper.hold(clock.wall());
    clock.pass(SECOND);
  }
  keeper.hold(clock.wall() + HOUR);
  const told = lines.filter((line) => line.includes("hold file set"));
  assert.deepEqual(told.map((line) => line.slice(11, 19)), ["12:00:00", "12:05:00", "12:10:00"]);
});

Deno.test("LifetimeKeeper ends once, with the status and reason it was given first", async () => {
  const { clock, keeper } = setUp();
  const shell = session();
  keeper.opened(shell);
  keeper.end("stopped", 3);
  keeper.end("cancelled");
  keeper.closed(shell);
  clock.pass(HOUR);
  assert.deepEqual(await keeper.ended, { reason: "stopped", status: 3 });
  assert.deepEqual(shell.told, ["Converge: the agent ends: it was stopped."]);
});

Deno.test("LifetimeKeeper ignores sessions that close twice or were never opened", () => {
  const { clock, keeper } = setUp();
  using _ = keeper;
  keeper.closed(session());
  clock.pass(SECOND);
  assert.equal(clock.timers, 1, "it still runs");
});
