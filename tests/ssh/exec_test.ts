import { equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";

const test = requires("ssh");

test("exec returns stdout, stderr and the exit status", async () => {
  await using server = await TestSshServer.start();
  for (const status of [0, 7, 255]) {
    const result = await server.ssh([], [`echo out; echo err >&2; exit ${status}`]);
    equal(result.stdout, "out\n");
    equal(result.stderr, "err\n");
    equal(result.code, status);
  }
});

test("exec reports the signal that killed the command", async () => {
  await using server = await TestSshServer.start();
  const result = await server.ssh(["-v"], ["kill -TERM $$"]);
  equal(result.code, 255);
  match(result.stderr, /rtype exit-signal/);
});

test("10 MB of random bytes through cat come back identical", async () => {
  await using server = await TestSshServer.start();
  const input = randomBytes(10_000_000);
  const result = await server.ssh([], ["cat"], { input });
  equal(result.code, 0);
  ok(Buffer.from(result.bytes).equals(input));
});

test("the end of stdin reaches the command, and output may still follow", async () => {
  await using server = await TestSshServer.start();
  const result = await server.ssh([], ["wc -c; echo after"], { input: "12345" });
  equal(result.stdout, "5\nafter\n");
});

test("both outputs come whole when both are large", async () => {
  await using server = await TestSshServer.start();
  const command = "head -c 5000000 /dev/zero & head -c 5000000 /dev/zero >&2; wait";
  const result = await server.ssh([], [command]);
  equal(result.stdout.length, 5_000_000);
  equal(result.stderr.length, 5_000_000);
});

test("a command whose output nobody reads any more gets SIGPIPE", async () => {
  await using server = await TestSshServer.start();
  const script = 'ssh "$@" | head -n 1';
  const result = await run("sh", ["-c", script, "sh", ...server.args(), "yes"]);
  equal(result.stdout, "y\n");
});

test("what comes after a command whose output nobody reads is still done", async () => {
  await using server = await TestSshServer.start();
  const script = 'ssh "$@" | head -n 1; echo ${PIPESTATUS[0]}';
  const command =
    "yes; trap '' PIPE; while echo y 2>/dev/null; do :; done; echo done > file; exit 3";
  const result = await run("bash", ["-c", script, "bash", ...server.args(), command]);
  equal(result.stdout, "y\n3\n");
  equal(Deno.readTextFileSync(join(server.home.path, "file")), "done\n");
});

test("exec with a terminal has its status and one output", async () => {
  await using server = await TestSshServer.start();
  const result = await server.ssh(["-tt"], ["test -t 0 && test -t 1 && tty; echo err >&2; exit 9"]);
  match(result.stdout, /^\/dev\/(pts\/|ttys)\d+\r\nerr\r\n$/);
  equal(result.code, 9);
});
