import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { Process, ProcessOptions, Pty, PtyOptions } from "../../lib/process/process.ts";
import { stalled } from "../support/stalled.ts";
import { readAll, readUntil, sh, SIZE } from "./programs.ts";

/** How programs are started on a POSIX system. */
interface Spawners {
  spawnProcess: (options: ProcessOptions) => Process;
  spawnPty: (options: PtyOptions) => Pty;
}

// Their native code is not there on other systems. Linux has both: the other one is macOS's.
const SPAWNERS: Record<string, Spawners> = {};
if (Deno.build.os === "linux") {
  const linux = await import("../../lib/process/linux/process.ts");
  SPAWNERS.Linux = { spawnProcess: linux.spawnLinuxProcess, spawnPty: linux.spawnLinuxPty };
}
if (Deno.build.os !== "windows") {
  SPAWNERS.POSIX = {
    spawnProcess: (await import("../../lib/process/posix/process.ts")).spawnPosixProcess,
    spawnPty: (await import("../../lib/process/posix/pty.ts")).spawnPosixPty,
  };
}
const { parseStat } = await import("../../lib/process/posix/session.ts");

/** Defines a test of each implementation. */
function test(name: string, fn: (spawners: Spawners) => Promise<void>): void {
  for (const [system, spawners] of Object.entries(SPAWNERS)) {
    Deno.test(`${system}: ${name}`, () => fn(spawners));
  }
}

test("spawnProcess() keeps outputs apart and gives nothing but its environment", async ({ spawnProcess }) => {
  const process = spawnProcess(sh("env; echo err >&2; exit 3", { A: "1" }));
  const [out, err] = await Promise.all([readAll(process.stdout), readAll(process.stderr!)]);
  deepEqual(out.trim().split("\n").filter((line) => !/^(PWD|_|SHLVL)=/.test(line)).sort(), [
    "A=1",
    "PATH=/usr/bin:/bin",
  ]);
  equal(err, "err\n");
  deepEqual(await process.exited, { code: 3 });
  await process.end();
});

test("spawnProcess() passes input on and its end", async ({ spawnProcess }) => {
  const process = spawnProcess(sh("cat; echo end"));
  await process.write(new TextEncoder().encode("some "));
  await process.write(new TextEncoder().encode("input\n"));
  await process.endInput();
  equal(await readAll(process.stdout), "some input\nend\n");
  await process.end();
});

test("spawnProcess() drops input that nobody reads", async ({ spawnProcess }) => {
  const process = spawnProcess(sh("exec 0<&-; echo closed; exec sleep 1000"));
  await readUntil(process.stdout, /closed/);
  for (let i = 0; i < 100; i++) await process.write(new Uint8Array(100_000));
  await process.end();
  deepEqual(await process.exited, { signal: "HUP", coreDumped: false });
});

test("spawnProcess() sends signals to the whole group", async ({ spawnProcess }) => {
  const process = spawnProcess(sh("sleep 1000 | sleep 1000 & echo started; wait"));
  await readUntil(process.stdout, /started/);
  process.signal("NONSENSE");
  process.signal("TERM");
  deepEqual(await process.exited, { signal: "TERM", coreDumped: false });
  // Both ends of the pipe are gone, or this would wait.
  equal(await readAll(process.stdout), "");
  await process.end();
});

test("spawnProcess() throws for a program that is not there", async ({ spawnProcess }) => {
  throws(() => spawnProcess({ ...sh(""), file: "/no/such/program" }));
  await Promise.resolve();
});

test("end() ends jobs in process groups of their own, and those that ignore SIGHUP", async ({ spawnProcess, spawnPty }) => {
  const script = "set -m; sleep 1000 & (trap '' HUP; exec sleep 1000) & echo started; wait";
  for (
    const program of [spawnProcess(sh(script)), spawnPty({ ...sh(script), ...SIZE })]
  ) {
    await readUntil(program.stdout, /started/);
    await program.end();
    // The terminal, or the pipe, has nobody left who could write.
    await readAll(program.stdout);
    await program.end();
  }
});

test("gone resolves by itself when nothing was left behind, else with the end", async ({ spawnProcess }) => {
  const tidy = spawnProcess(sh("exit 3"));
  await tidy.gone;
  deepEqual(await tidy.exited, { code: 3 });
  await tidy.end();
  const untidy = spawnProcess(sh("sleep 1000 >/dev/null 2>&1 & exit 4"));
  deepEqual(await untidy.exited, { code: 4 });
  await untidy.end();
  await untidy.gone;
});

test("end() leaves alone what went to a session of its own", async ({ spawnProcess }) => {
  const process = spawnProcess(sh("setsid sh -c 'echo escaped $$; exec sleep 1000' & wait"));
  const [, pid] = (await readUntil(process.stdout, /escaped \d+\n/)).match(/(\d+)/)!;
  await process.end();
  Deno.kill(Number(pid), "SIGKILL");
});

test("spawnPty() is a terminal with size, modes and a name", async ({ spawnPty }) => {
  const modes = { 1: 2, 53: 0, 38: 0 };
  const env = { SSH_TTY: "", TERM: "xterm" };
  const command = 'stty size; stty -a; echo "$TERM $SSH_TTY $(tty)"';
  const pty = spawnPty({ ...sh(command, env), ...SIZE, modes });
  const output = await readAll(pty.stdout);
  match(output, /^20 90\r\n/);
  match(output, /intr = \^B;/);
  match(output, / -echo /);
  match(output, / -ixon/);
  match(output, / iutf8/);
  const [, given, real] = output.match(/xterm (\S+) (\S+)\r\n$/)!;
  equal(given, real);
  deepEqual(await pty.exited, { code: 0 });
  await pty.end();
});

test("spawnPty() obeys what stty knows when it does not know everything", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh("stty -a"), ...SIZE, modes: { 11: 25, 1: 2 } });
  match(await readAll(pty.stdout), /intr = \^B;/);
  await pty.end();
});

test("spawnPty() keeps all output for a reader that comes late", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh("seq 2000"), ...SIZE });
  await pty.exited;
  // node-pty would give up its end of the terminal after 200 ms; timers run in order of their time.
  await new Promise((resolve) => setTimeout(resolve, 201));
  const lines = (await readAll(pty.stdout)).trim().split("\r\n");
  equal(lines.length, 2000);
  await pty.end();
});

test("spawnPty() holds up a program whose output nobody reads", async ({ spawnPty }) => {
  const command = 'while :; do seq 10000; echo >>"$FILE"; done';
  const file = Deno.makeTempFileSync();
  const pty = spawnPty({ ...sh(command, { FILE: file }), ...SIZE });
  await pty.stdout.read();
  const rounds = () => Deno.statSync(file).size;
  await stalled(rounds);
  await pty.end();
  ok(rounds() < 30, `${rounds()} rounds of 60 kB were written`);
  Deno.removeSync(file);
});

test("spawnPty() tells the signal that ended its program, and signals the foreground", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh("echo ready; exec sleep 1000"), ...SIZE });
  await readUntil(pty.stdout, /ready/);
  pty.signal("INT");
  deepEqual(await pty.exited, { signal: "INT", coreDumped: false });
  await pty.end();
});

test("spawnPty() can be written to and resized, also after its end", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh('read line; stty size; echo "got $line"'), ...SIZE });
  pty.resize({ columns: 33, rows: 11 });
  pty.resize({ columns: 0, rows: 2 ** 32 - 1 });
  pty.resize({ columns: 44, rows: 12 });
  await pty.write(new TextEncoder().encode("grün\r"));
  const output = await readAll(pty.stdout);
  match(output, /12 44\r\ngot grün\r\n$/);
  await pty.exited;
  pty.resize({ columns: 50, rows: 50 });
  pty.signal("TERM");
  await pty.write(new TextEncoder().encode("nobody there"));
  await pty.end();
});

test("spawnPty() takes more input than a terminal holds, also while nothing is printed", async ({ spawnPty }) => {
  const pty = spawnPty({
    ...sh("stty raw -echo; echo ready; head -c 100000 | wc -c"),
    ...SIZE,
  });
  await readUntil(pty.stdout, /ready/);
  await pty.write(new Uint8Array(100_000).fill(97));
  match(await readAll(pty.stdout), /100000/);
  await pty.end();
});

test("end() ends a write that a program does not take", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh("stty raw -echo; echo ready; sleep 1000"), ...SIZE });
  await readUntil(pty.stdout, /ready/);
  const written = pty.write(new Uint8Array(100_000).fill(97));
  await pty.end();
  await written;
});

test("spawnPty() ends its output with its program, though a job holds the terminal", async ({ spawnPty }) => {
  const pty = spawnPty({ ...sh("trap '' HUP; sleep 1000 & echo done"), ...SIZE });
  equal(await readAll(pty.stdout), "done\r\n");
  await pty.end();
});

Deno.test("parseStat() reads a process whose name has parentheses and blanks", () => {
  const stat = "4711 (a) b (c) S 1 4700 4699 34816 4711 4194304 100 0";
  deepEqual(parseStat(stat), { pid: 4711, session: 4699, foreground: 4711, zombie: false });
  equal(parseStat(stat.replace(" S ", " Z ")).zombie, true);
});
