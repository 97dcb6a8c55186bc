/** What only Linux promises of processes; tests/process/posix_test.ts has the rest. */
import { deepEqual, equal, match, throws } from "node:assert/strict";
import type { ProcessOptions } from "../../../lib/process/process.ts";
import { decodeBytes } from "../../../lib/text/byte_text.ts";
import { readAll, readBytes, readUntil, sh, SIZE } from "../programs.ts";

const ignore = Deno.build.os !== "linux";
// Its native code is not there on other systems.
const { spawnLinuxProcess, spawnLinuxPty } = ignore
  ? {} as never
  : await import("../../../lib/process/linux/process.ts");

const { keepDescriptors } = ignore
  ? {} as never
  : await import("../../../lib/process/linux/descriptors.ts");

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

test("programs get arguments and environment byte for byte", async () => {
  const latin1 = decodeBytes(Uint8Array.of(0x4a, 0xfc, 0xff));
  const env = {
    PATH: "/usr/bin:/bin",
    "INPUT_FETCH-DEPTH": "1",
    "BASH_FUNC_f%%": "() { echo hi;\n}",
    "my.dotted": "",
    AUTHOR: latin1,
    [latin1]: "name",
  };
  const wanted = Object.entries(env).map(([name, value]) => `${name}=${value}`).sort();
  const command: ProcessOptions = {
    ...{ file: "/bin/sh", cwd: "/", env },
    args: ["-c", 'cat /proc/$$/environ; printf %s "$1"', "sh", latin1],
  };
  for (const program of [spawnLinuxProcess(command), spawnLinuxPty({ ...command, ...SIZE })]) {
    const parts = decodeBytes(await readBytes(program.stdout)).replaceAll("\r\n", "\n").split("\0");
    equal(parts.pop(), latin1);
    deepEqual(parts.sort(), wanted);
    await program.end();
  }
});

test("programs start in a directory whose name is not UTF-8", async () => {
  const dir = Deno.makeTempDirSync();
  const name = decodeBytes(Uint8Array.of(0x66, 0xfc));
  const maker = spawnLinuxProcess(sh('mkdir "$DIR"', { DIR: `${dir}/${name}` }));
  deepEqual(await maker.exited, { code: 0 });
  await maker.end();
  const program = spawnLinuxProcess({ ...sh("pwd"), cwd: `${dir}/${name}` });
  equal(decodeBytes(await readBytes(program.stdout)), `${dir}/${name}\n`);
  await program.end();
  Deno.removeSync(dir, { recursive: true });
});

test("a program that cannot be started says why", () => {
  throws(() => spawnLinuxProcess({ ...sh(""), file: "/etc/passwd" }), /Permission denied/);
  throws(() => spawnLinuxPty({ ...sh(""), ...SIZE, cwd: "/no/such" }), /no directory "\/no\/such"/);
  throws(() => spawnLinuxProcess({ ...sh(""), args: ["a\0b"] }), /NUL/);
});

test("programs have signals as a fresh program has them, and nothing of ours open", async () => {
  keepDescriptors();
  const program = spawnLinuxProcess(
    sh("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd"),
  );
  const [blocked, ignored, ...open] = (await readAll(program.stdout)).trim().split("\n");
  match(blocked!, /\t0+$/);
  match(ignored!, /\t0+$/);
  // ls itself opens the directory.
  deepEqual(open, ["0", "1", "2", "3"]);
  await program.end();
});

test("a terminal controls jobs, and ^C reaches the foreground alone", async () => {
  const env = { HOME: "/nonexistent", PS1: "ready> " };
  const shell = { file: "/bin/bash", args: ["--norc", "-i"], cwd: "/" };
  const pty = spawnLinuxPty({ ...shell, ...SIZE, env: { PATH: "/usr/bin:/bin", ...env } });
  const type = (text: string) => pty.write(new TextEncoder().encode(text));
  await readUntil(pty.stdout, /ready> $/);
  await type("sleep 1000 & cat\r");
  await readUntil(pty.stdout, /\[1\] \d+\r\n/);
  await type("here\r");
  await readUntil(pty.stdout, /here\r\nhere\r\n/);
  await type("\x03");
  await readUntil(pty.stdout, /\^C\r\n.*ready> $/s);
  await type("jobs; kill %1; exit 5\r");
  match(await readAll(pty.stdout), /Running +sleep 1000/);
  deepEqual(await pty.exited, { code: 5 });
  await pty.end();
});

test("200,000 lines come out of a terminal whole", async () => {
  const pty = spawnLinuxPty({ ...sh("seq 200000"), ...SIZE });
  const lines = (await readAll(pty.stdout)).split("\r\n");
  equal(lines.length, 200_001);
  equal(lines.every((line, index) => index === 200_000 || line === `${index + 1}`), true);
  await pty.end();
});

test("more programs run at once than Deno has threads for blocking calls", async () => {
  const programs = Array.from({ length: 40 }, () => spawnLinuxPty({ ...sh("read line"), ...SIZE }));
  const reading = programs.map(({ stdout }) => readAll(stdout));
  await Deno.stat("/"); // Takes a thread.
  for (const program of programs) await program.write(new TextEncoder().encode("\r"));
  await Promise.all(reading);
  for (const program of programs) await program.end();
});
