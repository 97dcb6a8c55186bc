/**
 * What happens before and at the deadline, in the shells of real clients; time passes at our word.
 */
import assert from "node:assert/strict";
import { ClockedAgent } from "../support/agent.ts";
import { gone } from "../support/processes.ts";
import { requires } from "../support/requires.ts";
import { shellReady } from "../support/shell_prompt.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");
const testVi = requires("ssh", "vi");

const MINUTE = 60_000;
const WARNING =
  /Converge: the agent ends at \d\d:\d\d:\d\d UTC, in 5m\. Type anything to keep it\./;
const THANKS = /Converge: the agent now ends at \d\d:\d\d:\d\d UTC, in 10m\./;

async function endsAtDeadline(agent: ClockedAgent): Promise<void> {
  assert.equal(await agent.ended, 0);
  assert.match(agent.log, /the agent is ending reason=deadline status=0/);
}

test("an agent to which nobody comes ends at its deadline, warned of in the job's log", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  await agent.start();
  agent.clock.pass(10 * MINUTE - 1);
  assert.match(agent.log, /warn the agent ends soon without input left=5m/);
  assert.doesNotMatch(agent.log, /is ending/);
  agent.clock.pass(1);
  await endsAtDeadline(agent);
});

test("open shells are told at the deadline, and ended with all they started", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  await using terminal = world.terminal(await agent.start());
  await shellReady(terminal);
  terminal.write("sleep 1000 & echo pid:$!:\r");
  const [, sleep] = await terminal.waitFor(/pid:(\d+):/);
  agent.clock.pass(10 * MINUTE);
  await terminal.waitFor(/the agent ends: there was no input for too long/);
  assert.notEqual(await terminal.exited, 0);
  await endsAtDeadline(agent);
  await gone(Number(sleep));
});

test("an agent ends at its deadline though a client has stopped reading", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  await using terminal = world.terminal(await agent.start());
  await shellReady(terminal);
  terminal.write("echo pid:$$:; exec yes\r");
  const [, yes] = await terminal.waitFor(/pid:(\d+):\s+y\r\n/);
  Deno.kill(terminal.pid, "SIGSTOP");
  agent.clock.pass(10 * MINUTE);
  await endsAtDeadline(agent);
  await gone(Number(yes));
});

test("all open shells are warned, and typing in one extends", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  const announced = await agent.start();
  await using one = world.terminal(announced);
  await using two = world.terminal(announced);
  await Promise.all([shellReady(one), shellReady(two)]);
  one.write("half-typed");
  await one.waitFor(/half-typed/);
  agent.clock.pass(5 * MINUTE);
  await Promise.all([one.waitFor(WARNING), two.waitFor(WARNING)]);
  two.write("x");
  await Promise.all([one.waitFor(THANKS), two.waitFor(THANKS)]);
  one.write("\x15echo line-$((40 + 2))\r");
  await one.waitFor(/line-42/);
  one.write("exit\r");
  two.write("\x15exit\r");
  assert.equal(await agent.ended, 0);
  assert.match(agent.log, /is ending reason=logout/);
});

test("a command, a transfer and a shell without a terminal see no warning", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  const announced = await agent.start();
  await using exec = world.startSsh(announced, ["echo started; cat"], { interactive: true });
  await using shell = world.startSsh(announced, ["-T"], { interactive: true });
  await shell.write("echo ready\n");
  await Promise.all([exec.waitFor(/started/), shell.waitFor(/ready/)]);
  agent.clock.pass(10 * MINUTE);
  await endsAtDeadline(agent);
  await Promise.all([exec.result(), shell.result()]);
  assert.equal(exec.stdout, "started\n");
  assert.equal(shell.stdout, "ready\n");
});

testVi("vi shows warnings in its title with a bell, its screen left alone", async () => {
  await using world = await World.start();
  await using agent = new ClockedAgent(world);
  await using terminal = world.terminal(await agent.start());
  await shellReady(terminal);
  terminal.write("vi -u NONE file\r");
  // deno-lint-ignore no-control-regex
  await terminal.waitFor(/\x1b\[\?1049h[^]*~/);
  terminal.write("iabc");
  await terminal.waitFor(/abc/);
  agent.clock.pass(5 * MINUTE);
  const [shown] = await terminal.waitFor(
    // deno-lint-ignore no-control-regex
    /\x1b\[22;2t\x1b\]2;Converge: the agent ends [^]*?\x07\x07/,
  );
  assert.match(shown, WARNING);
  terminal.write("d");
  await terminal.waitFor(THANKS);
  terminal.write("\x1b:wq\r");
  // deno-lint-ignore no-control-regex
  await terminal.waitFor(/\x1b\[\?1049l[^]*\x1b\[23;2t/);
  terminal.write("cat file; exit\r");
  await terminal.waitFor(/abcd\r\n/);
  assert.equal(await agent.ended, 0);
});
