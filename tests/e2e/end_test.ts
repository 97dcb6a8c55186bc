/** A signal ends an agent, whatever it is doing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { succeed } from "../support/clients.ts";
import { gone } from "../support/processes.ts";
import { Program, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

/** A program of ours as a shell starts it. */
function command(entry: string): string {
  return `"${Deno.execPath()}" run --no-check -A "${join(ROOT, entry)}"`;
}

test("SIGTERM ends an agent whose session ignores all signals", async () => {
  await using world = await World.start();
  const agent = world.startAgent();
  const script = "trap '' HUP INT TERM QUIT; echo $$; while :; do sleep 1; done";
  const ssh = world.startSsh(await agent.announced(), [script]);
  const [, pid] = await ssh.waitFor(/^(\d+)\n/);
  agent.program.kill("SIGTERM");
  assert.equal((await agent.program.result()).code, 143);
  await gone(Number(pid));
});

test("SIGTERM ends an agent that waits for its token", async () => {
  await using dir = new TempDir();
  const pipe = join(dir.path, "pipe");
  await succeed("mkfifo", [pipe]);
  await using program = startEntry("agent.ts", ["--token-file", pipe, "ws://127.0.0.1:1"]);
  await using writer = new Program("bash", ["-c", 'exec 3> "$0"; echo open; read', pipe], {
    interactive: true,
  });
  // Once the agent reads it.
  await writer.waitFor(/open/);
  program.kill("SIGTERM");
  assert.equal((await program.result()).code, 143);
});

test("an agent whose output nobody reads serves people, and SIGTERM ends it", async () => {
  await using world = await World.start();
  await using dir = new TempDir();
  await succeed("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir.path, "host_key")]);
  dir.write(".authorized_keys", world.publicKey);
  // A pipe that is full, and a reader that does not read it.
  const full = `head -c 65536 /dev/zero; echo $BASHPID > pid`;
  const agent = `exec ${command("agent.ts")} --id job --host-key host_key ${world.url} 2>&1`;
  const script = `exec 3<&0; { ${full}; ${agent}; } | { read -r <&3; }`;
  await using _ = new Program("bash", ["-c", script], { cwd: dir.path, interactive: true });
  await world.server.waitFor(/"event":"agent registered"/);
  const hostKey = Deno.readTextFileSync(join(dir.path, "host_key.pub")).split(" ", 2).join(" ");
  const announced = { id: "job", username: "converge", hostKey, fingerprint: "" };
  for (let login = 0; login < 3; login++) {
    assert.equal((await world.ssh(announced, ["echo in"])).stdout, "in\n");
  }
  const pid = Number(Deno.readTextFileSync(join(dir.path, "pid")));
  Deno.kill(pid, "SIGTERM");
  await gone(pid);
});

test("a program that hangs ends some time after a signal", async () => {
  await using dir = new TempDir();
  const file = dir.write(
    "program.ts",
    `import { runProgram } from "${join(ROOT, "lib/program/program.ts")}";
     setInterval(() => {}, 1000);
     await runProgram("test", () => {
       console.log("started");
       return new Promise(() => {});
     }, 1);`,
  );
  await using program = new Program(Deno.execPath(), ["run", "--no-check", "-A", file]);
  await program.waitFor(/started/);
  program.kill("SIGINT");
  const { code, stderr } = await program.result();
  assert.equal(code, 130);
  assert.match(stderr, /not ended in order within 0s: something hangs/);
});
