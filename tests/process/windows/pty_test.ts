import assert from "node:assert/strict";
import type { Pty, PtyOptions } from "../../../lib/process/process.ts";
import { deno, MANY, ON_WINDOWS, ON_WINE, program, Screen, spawnPty, Tree } from "./helpers.ts";

const ignore = !ON_WINDOWS;
const PROMPT = /^.*[A-Z]:\\.*>$/m;

function onTerminal(options = program()): PtyOptions {
  return { ...options, columns: 80, rows: 25 };
}

function type(pty: Pty, text: string): Promise<void> {
  return pty.write(new TextEncoder().encode(text));
}

/** cmd.exe with its prompt shown. */
async function openShell(): Promise<{ pty: Pty; screen: Screen }> {
  const pty = spawnPty(onTerminal());
  const screen = new Screen(pty.stdout);
  await screen.until(PROMPT);
  return { pty, screen };
}

Deno.test("spawnPty() shows a prompt, echoes, and reports the status of exit 7", {
  ignore,
}, async () => {
  const { pty, screen } = await openShell();
  await type(pty, "echo con^verge\r");
  await screen.until(/echo con\^verge/);
  await screen.until(/^converge/m);
  await screen.until(PROMPT);
  await type(pty, "exit 7\r");
  assert.deepEqual(await pty.exited, { code: 7 });
  await screen.untilEnd();
  await pty.end();
});

Deno.test("spawnPty() carries UTF-8 both ways", { ignore }, async () => {
  const { pty, screen } = await openShell();
  await type(pty, "echo hällo € żółć Привет\r");
  await screen.until(/echo hällo € żółć Привет/);
  await screen.until(/^hällo € żółć Привет/m);
  await type(pty, "exit\r");
  await screen.untilEnd();
  assert.deepEqual(await pty.exited, { code: 0 });
});

Deno.test("spawnPty() shows all that was printed before the end", { ignore }, async () => {
  const command = "for /l %i in (1,1,500) do @echo line %i";
  const pty = spawnPty(onTerminal(program("cmd.exe", "/d", "/s", "/c", command)));
  assert.match(await new Screen(pty.stdout).untilEnd(), /^line 500\b/m);
  assert.deepEqual(await pty.exited, { code: 0 });
  await pty.end();
});

/** A program that prints a line and then waits forever, as cmd.exe is told to start it. */
const BUSY = `"${Deno.execPath()}" eval console.log('rea'+'dy'),setInterval(String,1e3)\r`;

Deno.test("Ctrl-C ends the program in front and not the shell", { ignore }, async () => {
  const { pty, screen } = await openShell();
  await type(pty, BUSY);
  await screen.until(/^ready/m);
  // Wine takes Ctrl-C alone for the end of the terminal (tty_input() in its
  // programs/conhost/conhost.c), but Alt-Ctrl-C for Ctrl-C.
  await type(pty, ON_WINE ? "\x1b\x03" : "\x03");
  await screen.until(PROMPT);
  await type(pty, "exit 5\r");
  assert.deepEqual(await pty.exited, { code: 5 });
  await screen.untilEnd();
});

Deno.test("signal() types Ctrl-C for INT", { ignore: ignore || ON_WINE }, async () => {
  const { pty, screen } = await openShell();
  await type(pty, BUSY);
  await screen.until(/^ready/m);
  pty.signal("INT");
  await screen.until(PROMPT);
  await pty.end();
});

Deno.test("resize() changes what programs see", { ignore: ignore || ON_WINE }, async () => {
  const { pty, screen } = await openShell();
  pty.resize({ columns: 132, rows: 50 });
  await type(pty, "mode con\r");
  await screen.until(/132/);
  await pty.end();
});

Deno.test("resize() never throws, even after the end", { ignore }, async () => {
  const { pty, screen } = await openShell();
  pty.resize({ columns: 132, rows: 50 });
  pty.resize({ columns: 0, rows: 0 });
  await type(pty, "exit\r");
  await screen.untilEnd();
  await pty.end();
  pty.resize({ columns: 80, rows: 25 });
});

Deno.test(
  "spawnPty() runs more shells than Deno has threads, each with its own state",
  { ignore },
  async () => {
    const shells = await Promise.all(Array.from({ length: MANY }, () => openShell()));
    await Promise.all(shells.map(async ({ pty, screen }, i) => {
      await type(pty, `set NUMBER=${i}\r`);
      await screen.until(PROMPT);
      await type(pty, "echo [%NUMBER%]\r");
      const [, number] = await screen.until(/^\[(\d+)\]/m);
      assert.equal(number, `${i}`);
      await type(pty, `exit ${100 + i}\r`);
      assert.deepEqual(await pty.exited, { code: 100 + i });
      await screen.untilEnd();
    }));
  },
);

Deno.test("end() ends the shell and all that it started", { ignore }, async () => {
  using tree = new Tree();
  const { pty } = await openShell();
  await type(pty, `${tree.command}\r`);
  await tree.started();
  await pty.end();
  await tree.ended();
  assert.equal(await pty.stdout.read(), null);
});

Deno.test("end() ends a program whose output nobody has read", { ignore }, async () => {
  const pty = spawnPty(onTerminal(deno("for (;;) console.log('x'.repeat(70))")));
  await pty.end();
  await pty.exited;
});

Deno.test("a program that has ended takes what it left in its console along", {
  ignore,
}, async () => {
  using tree = new Tree();
  const { pty, screen } = await openShell();
  await type(pty, `start /b ${tree.command}\r`);
  await tree.started();
  await type(pty, "\rexit\r");
  await screen.untilEnd();
  await tree.ended();
});

Deno.test("signal() ends the tree, and the status says with what", { ignore }, async () => {
  using tree = new Tree();
  const pty = spawnPty(onTerminal(tree.program));
  await tree.started();
  pty.signal("TERM");
  assert.deepEqual(await pty.exited, { signal: "TERM", coreDumped: false });
  await tree.ended();
  await pty.end();
});
