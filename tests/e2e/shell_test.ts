/** Interactive shells, driven as a person does. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { gone } from "../support/processes.ts";
import { requires } from "../support/requires.ts";
import { PROMPT, shellReady } from "../support/shell_prompt.ts";
import type { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

test("a person has a shell in the job", async (t) => {
  await using world = await World.start();
  const agent = world.startAgent({ args: ["--shell", "/bin/bash", "--hold"] });
  const announced = await agent.announced();

  await t.step("prompt, echo, UTF-8, resize, Ctrl-C and the exit status", async () => {
    await using terminal = world.terminal(announced, [], { columns: 90, rows: 30 });
    await shellReady(terminal);
    terminal.write("echo a-$((40 + 2))-ü€😀\r");
    await terminal.waitFor(/echo a-\$\(\(40 \+ 2\)\)-ü€😀.*a-42-ü€😀/s);
    terminal.write("stty size\r");
    await terminal.waitFor(/30 90\r/);
    terminal.resize(101, 37);
    terminal.write("stty size\r");
    await terminal.waitFor(/37 101\r/);
    // Once it says so it is in the foreground; before that bash itself would get the Ctrl-C.
    terminal.write("sh -c 'echo asleep-$((40 + 2)); exec sleep 1000'\r");
    await terminal.waitFor(/asleep-42/);
    terminal.write("\x03");
    await terminal.waitFor(new RegExp(PROMPT));
    terminal.write("test -t 0 && echo tty-$SSH_TTY; echo $TERM\r");
    await terminal.waitFor(/tty-\/dev\/.*xterm-256color/s);
    terminal.write("exit 7\r");
    assert.equal(await terminal.exited, 7);
  });

  await t.step("20 shells from 5 connections keep their states apart", async () => {
    const shells: Terminal[] = [];
    for (let connection = 0; connection < 5; connection++) {
      const control = `-S${world.home.path}/control-${connection}`;
      const master = world.startSsh(announced, ["-M", "-N", control, "-v"]);
      await master.waitFor(/Entering interactive session|entering interactive session/i);
      for (let shell = 0; shell < 4; shell++) shells.push(world.terminal(announced, [control]));
    }
    await Promise.all(shells.map(async (terminal, number) => {
      await shellReady(terminal);
      terminal.write(
        `STATE=${number}; cd /tmp && mkdir -p $CONVERGE_DIR/${number} && cd $CONVERGE_DIR/${number}\r`,
      );
      await terminal.waitFor(new RegExp(PROMPT));
    }));
    await Promise.all(shells.map(async (terminal, number) => {
      terminal.write(`echo "<$STATE:\${PWD##*/}>"; exit ${number}\r`);
      await terminal.waitFor(new RegExp(`<${number}:${number}>`));
      assert.equal(await terminal.exited, number);
    }));
  });
});

test("closing the client ends what its shell started", async (t) => {
  await using world = await World.start();
  const agent = await world.startAgent({ args: ["--shell", "/bin/bash", "--hold"] }).announced();

  for (
    const [what, command] of [
      ["in the foreground", "sleep 4711"],
      ["with &", "sleep 4711 & echo"],
    ]
  ) {
    await t.step(`a sleep started ${what}`, async () => {
      const terminal = world.terminal(agent);
      await shellReady(terminal);
      terminal.write("echo shell:$$:\r");
      const [, shell] = await terminal.waitFor(/shell:(\d+):/);
      terminal.write(`${command}\r`);
      const sleep = await childOf(Number(shell));
      await terminal[Symbol.asyncDispose]();
      await gone(sleep);
      await gone(Number(shell));
    });
  }
});

test("agents do not see each other's clients", async () => {
  await using world = await World.start();
  const [one, two] = await Promise.all([
    world.startAgent({ id: "one" }).announced(),
    world.startAgent({ id: "two" }).announced(),
  ]);
  assert.notEqual(one.fingerprint, two.fingerprint);
  const results = await Promise.all([
    world.ssh(one, ["echo $CONVERGE_ID; cat"], { input: "for one" }),
    world.ssh(two, ["echo $CONVERGE_ID; cat"], { input: "for two" }),
  ]);
  assert.deepEqual(results.map(({ stdout }) => stdout), ["one\nfor one", "two\nfor two"]);
});

/** Waits until a process has a child, and gives its id. */
function childOf(pid: number): Promise<number> {
  return eventually(async () => {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    return parseInt(children);
  }, () => `process ${pid} has no child`);
}
