/** When agents end, and what people are told before, with short times. */
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

  await t.step("at its deadline when nobody comes", async () => {
    const { agent } = await start(world, ["--expiry", "1s"]);
    await ended(agent, "deadline");
    assert.match(agent.program.stderr, /the agent ends soon unless somebody types/);
  });

  await t.step("when somebody comes and leaves", async () => {
    const { agent, announced } = await start(world, []);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    assert.match(terminal.output, /this is the job.*The agent ends when the last shell has ended/s);
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

  await t.step("when the hold file is removed after somebody has left", async () => {
    const { agent, announced } = await start(world, []);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write('touch "$CONVERGE_HOLD"; exit\r');
    assert.equal(await terminal.exited, 0);
    await using again = world.terminal(announced);
    await again.waitFor(/The agent stays when the last shell has ended/);
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

  await t.step("at its deadline with open shells, which are told and ended", async () => {
    const { agent, announced } = await start(world, ["--expiry", "2s"]);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write("sleep 1000 & echo pid:$!:\r");
    const [, sleep] = await terminal.waitFor(/pid:(\d+):/);
    await terminal.waitFor(/the agent ends: nobody has typed for too long/);
    assert.notEqual(await terminal.exited, 0);
    await ended(agent, "deadline");
    await gone(Number(sleep));
  });
});

test("an agent ends at its deadline though a client has stopped reading", async () => {
  await using world = await World.start();
  const { agent, announced } = await start(world, ["--expiry", "5s"]);
  await using terminal = world.terminal(announced);
  await shellReady(terminal);
  terminal.write("echo pid:$$:; exec yes\r");
  const [, yes] = await terminal.waitFor(/pid:(\d+):\s+y\r\n/);
  Deno.kill(terminal.pid, "SIGSTOP");
  await ended(agent, "deadline");
  await gone(Number(yes));
});

test("a hold file touched an hour ahead extends by that", async () => {
  await using world = await World.start();
  const { agent, announced } = await start(world, ["--hold"]);
  const command = `touch -d '+1 hour' "$CONVERGE_HOLD"`;
  assert.equal((await world.ssh(announced, [command])).code, 0);
  await using terminal = world.terminal(announced);
  await terminal.waitFor(/It ends at \d\d:\d\d:\d\d UTC \(in 1h (10|9)m\)/);
  terminal.write("exit\r");
  await Deno.remove(join(agent.dir.path, ".hold"));
  await ended(agent, "logout");
});

test("people are warned, and typing extends", async (t) => {
  await using world = await World.start();
  const times = ["--expiry", "4s", "--warning-time", "2s"];
  const warning = /Converge: the agent ends at \d\d:\d\d:\d\d UTC, in \ds, unless somebody types\./;
  const thanks = /Converge: thank you, the agent now ends at/;

  const inVi = async () => {
    const { agent, announced } = await start(world, times);
    await using terminal = world.terminal(announced);
    await shellReady(terminal);
    terminal.write("vi -u NONE file\r");
    // deno-lint-ignore no-control-regex
    await terminal.waitFor(/\x1b\[\?1049h[^]*~/);
    terminal.write("iabc");
    await terminal.waitFor(/abc/);
    const [shown] = await terminal.waitFor(
      // deno-lint-ignore no-control-regex
      /\x1b\[22;2t\x1b\]2;Converge: the agent ends [^]*?\x07\x07/,
    );
    assert.match(shown, warning);
    terminal.write("d");
    await terminal.waitFor(thanks);
    terminal.write("\x1b:wq\r");
    // deno-lint-ignore no-control-regex
    await terminal.waitFor(/\x1b\[\?1049l[^]*\x1b\[23;2t/);
    terminal.write("cat file; exit\r");
    await terminal.waitFor(/abcd\r\n/);
    await ended(agent, "logout");
  };

  await t.step("in two shells at once", async () => {
    const { agent, announced } = await start(world, times);
    await using one = world.terminal(announced);
    await using two = world.terminal(announced);
    await Promise.all([shellReady(one), shellReady(two)]);
    one.write("half-typed");
    await Promise.all([one.waitFor(warning), two.waitFor(warning)]);
    two.write("x");
    await Promise.all([one.waitFor(thanks), two.waitFor(thanks)]);
    one.write("\x15echo line-$((40 + 2))\r");
    await one.waitFor(/line-42/);
    one.write("exit\r");
    two.write("\x15exit\r");
    await ended(agent, "logout");
  });

  await t.step("in the log of the job", async () => {
    const { agent } = await start(world, times);
    await ended(agent, "deadline");
    assert.match(agent.program.stderr, /warn the agent ends soon unless somebody types left=2s/);
  });

  await t.step("not in a command, a transfer or a shell without a terminal", async () => {
    const { agent, announced } = await start(world, times);
    await using exec = world.startSsh(announced, ["cat"], { interactive: true });
    await using shell = world.startSsh(announced, ["-T"], { interactive: true });
    await shell.write("echo ready\n");
    await shell.waitFor(/ready/);
    await agent.program.waitFor(/the agent ends soon/);
    await ended(agent, "deadline");
    assert.equal(exec.stdout, "");
    assert.equal(shell.stdout, "ready\n");
    await Promise.all([exec.result(), shell.result()]);
  });

  await requires("vi").step(t, {
    name: "in vi, in its title and with a bell, its screen left alone",
    fn: inVi,
  });
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
