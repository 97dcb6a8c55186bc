/** When agents end, whole programs; tests/agent/deadline_test.ts has what takes time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gone } from "../support/processes.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { shellReady } from "../support/shell_prompt.ts";
import { type Agent, type Announced, World } from "../support/world.ts";

const test = requires("ssh");

/** Starts an agent whose shells are bash. */
async function start(world: World, args: string[]) {
  const agent = world.startAgent({ args: ["--shell", "/bin/bash", ...args] });
  return { agent, announced: await agent.announced() };
}

/** Checks that the agent ends with 0, and why. */
async function ended(agent: Agent, reason: string): Promise<void> {
  const { code, stderr } = await agent.program.result();
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`the agent is ending reason=${reason} status=0`));
}

async function sftp(world: World, announced: Announced, batch: string): Promise<void> {
  const args = [...world.sshOptions(announced), "-b", "-", `${announced.username}@localhost`];
  const { code, stderr } = await run("sftp", args, { input: batch });
  assert.equal(code, 0, stderr);
}

test("an agent ends with 0", async (t) => {
  await using world = await World.start();

  await t.step("at its deadline", async () => {
    await ended(world.startAgent({ args: ["--expiry", "1s"] }), "deadline");
  });

  await t.step("when a user comes and leaves", async () => {
    const { agent, announced } = await start(world, []);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    assert.match(
      terminal.output,
      /you are logged in to the job.*The agent ends when the last shell ends/s,
    );
    terminal.write("exit 4\r");
    assert.equal(await terminal.exited, 4);
    await ended(agent, "logout");
  });

  await t.step("when the last of two shells has ended, not before", async () => {
    const { agent, announced } = await start(world, []);
    await using one = world.terminal(announced);
    await using two = world.terminal(announced);
    await Promise.all([shellReady(one), shellReady(two)]);
    one.write("exit\r");
    await one.exited;
    two.write("echo still-$((40 + 2))\r");
    await two.waitFor(/still-42/);
    two.write("exit\r");
    assert.equal(await two.exited, 0);
    await ended(agent, "logout");
  });

  await t.step("when the hold file is removed after the user has left", async () => {
    const { agent, announced } = await start(world, []);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write('touch "$CONVERGE_HOLD"; exit\r');
    assert.equal(await terminal.exited, 0);
    await using again = world.terminal(announced);
    await again.waitFor(/The agent stays when the last shell ends/);
    again.write("exit\r");
    await again.exited;
    await Deno.remove(join(agent.dir.path, ".hold"));
    await ended(agent, "logout");
  });

  await t.step("not after a transfer alone", async () => {
    const { agent, announced } = await start(world, []);
    await sftp(world, announced, "put /etc/hostname transferred\n");
    assert.equal((await world.ssh(announced, ["ls"])).stdout, "transferred\n");
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write("exit\r");
    await ended(agent, "logout");
  });
});

test("a hold file touched an hour ahead extends by that", async () => {
  await using world = await World.start();
  const { agent, announced } = await start(world, ["--hold"]);
  const command = `touch -d '+1 hour' "$CONVERGE_HOLD"`;
  assert.equal((await world.ssh(announced, [command])).code, 0);
  await using terminal = world.terminal(announced);
  await terminal.waitFor(/it ends at \d\d:\d\d:\d\d UTC, in 1h (10|9)m;/);
  terminal.write("exit\r");
  await Deno.remove(join(agent.dir.path, ".hold"));
  await ended(agent, "logout");
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  test(`${signal} ends shells with a word and leaves nothing behind`, async () => {
    await using world = await World.start();
    const { agent, announced } = await start(world, ["--hold"]);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write("trap '' HUP; sleep 1000 & nohup sleep 1001 >out 2>&1 & echo pid:$!:$$:\r");
    const [, sleep, shell] = await terminal.waitFor(/pid:(\d+):(\d+):/);
    await using command = world.startSsh(announced, ["echo pid:$$:; sleep 1000"]);
    const [, exec] = await command.waitFor(/pid:(\d+):/);
    agent.program.kill(signal);
    await terminal.waitFor(/Converge: the agent ends: the job was cancelled\./);
    assert.notEqual(await terminal.exited, 0);
    const { code, stderr } = await agent.program.result();
    assert.equal(code, status, stderr);
    await Promise.all([sleep, shell, exec].map((pid) => gone(Number(pid))));
    assert.notEqual((await command.result()).code, 0);
    assert.deepEqual(Array.from(Deno.readDirSync(join(agent.dir.path, ".converge"))), []);
  });
}

test("an agent behind nohup survives the terminal that it was started in", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using world = await World.start();
  await using dir = new TempDir();
  dir.write(".authorized_keys", world.publicKey);
  const entry = join(Deno.cwd(), "agent.ts");
  const args = ["run", "--no-check", "-A", entry, "--json", world.url];
  await using program = new Program("nohup", [Deno.execPath(), ...args], { cwd: dir.path });
  const [line] = await program.waitFor(/^\{.*\}$/m);
  program.kill("SIGHUP");
  assert.equal((await world.ssh(JSON.parse(line), ["echo alive"])).stdout, "alive\n");
  program.kill("SIGTERM");
  assert.equal((await program.result()).code, 143);
});
