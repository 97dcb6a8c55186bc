/** Machines that lack something: the agent says so at its start, and what is left works. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { shellReady } from "../support/shell_prompt.ts";
import { type Announced, World } from "../support/world.ts";

const test = requires("ssh", "unshare");

const NO_TERMINALS = /shells get no terminal, commands and SFTP work: cannot open a terminal: /;
const noTemporary = (why: string) =>
  new RegExp(`programs have no place for temporary files, .*/(missing|file|tmp).*: ${why}`);

/** What is done to the machine, in the agent's own mount namespace, and what it says. */
const MACHINES: { name: string; script: string; says: RegExp; hasTerminals: boolean }[] = [
  {
    name: "without /dev/ptmx",
    script: "mount --bind /dev/null /dev/ptmx",
    says: NO_TERMINALS,
    hasTerminals: false,
  },
  {
    name: "without /dev/pts",
    script: "mount -t tmpfs none /dev/pts",
    says: NO_TERMINALS,
    hasTerminals: false,
  },
  {
    name: "whose TMPDIR is missing",
    script: "TMPDIR=$PWD/missing",
    says: noTemporary("no such directory"),
    hasTerminals: true,
  },
  {
    name: "whose TMPDIR is a file",
    script: "TMPDIR=$PWD/file; : > file",
    says: noTemporary("a part of its path is not a directory"),
    hasTerminals: true,
  },
  {
    name: "whose TMPDIR cannot be written to",
    script: "TMPDIR=$PWD/tmp; mkdir tmp; mount -t tmpfs -o ro none tmp",
    says: noTemporary("the file system cannot be written to"),
    hasTerminals: true,
  },
  {
    name: "whose TMPDIR is full",
    script: "TMPDIR=$PWD/tmp; mkdir tmp; mount -t tmpfs -o size=4k none tmp; cat /dev/zero > tmp/x",
    says: noTemporary("the disk is full"),
    hasTerminals: true,
  },
];

/** An agent on a machine that a script has changed. */
function start(world: World, dir: TempDir, script: string): Program {
  dir.write(".authorized_keys", world.publicKey);
  const agent = [Deno.execPath(), "run", "--no-check", "-A", join(ROOT, "agent.ts"), "--json"];
  const shell = ["sh", "-c", `{ ${script}; } 2>/dev/null; export TMPDIR; exec "$@"`, "sh"];
  return new Program("unshare", ["-Urm", ...shell, ...agent, world.url], { cwd: dir.path });
}

async function sftp(world: World, agent: Announced): Promise<string> {
  const args = ["-qb", "-", ...world.sshOptions(agent), `${agent.username}@localhost`];
  const { stdout, stderr } = await run("sftp", args, { input: "ls -a .authorized_keys\n" });
  return stdout + stderr;
}

for (const { name, script, says, hasTerminals } of MACHINES) {
  test(`on a machine ${name}`, async () => {
    await using world = await World.start();
    await using dir = new TempDir();
    await using agent = start(world, dir, script);
    const announced: Announced = JSON.parse((await agent.waitFor(/^\{.*\}$/m))[0]);
    assert.match(agent.stderr, says);
    assert.equal((await world.ssh(announced, ["echo in"])).stdout, "in\n");
    assert.match(await sftp(world, announced), /\n\.authorized_keys/);
    await using terminal = world.terminal(announced, [], { columns: 300 });
    if (hasTerminals) {
      await terminal.waitFor(says);
      await shellReady(terminal);
    } else {
      await terminal.waitFor(/Converge: cannot start ".*": cannot open a terminal/);
      assert.equal(await terminal.exited, 127);
      // It was no logout.
      assert.equal((await world.ssh(announced, ["echo in"])).stdout, "in\n");
    }
    agent.kill();
    await agent.result();
  });
}

test("nothing is missed when TMPDIR is removed after the start", async () => {
  await using world = await World.start();
  await using dir = new TempDir();
  await using agent = start(world, dir, "TMPDIR=$PWD/tmp; mkdir tmp");
  const announced: Announced = JSON.parse((await agent.waitFor(/^\{.*\}$/m))[0]);
  Deno.removeSync(join(dir.path, "tmp"), { recursive: true });
  assert.match(await sftp(world, announced), /\n\.authorized_keys/);
  await using terminal = world.terminal(announced);
  await shellReady(terminal);
  agent.kill();
  await agent.result();
});
