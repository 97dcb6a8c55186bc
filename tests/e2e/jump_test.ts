/** The way in by `ssh -J`, with nothing of ours on the person's side. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomBytes, succeed } from "../support/clients.ts";
import { JumpWorld } from "../support/jump_world.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";

const test = requires("ssh", "ssh-keygen");

test("ssh -J reaches an agent: commands, bytes both ways, files, forwards", async (t) => {
  await using jump = await JumpWorld.start();
  const agent = jump.world.startAgent();
  const announced = await agent.announced();
  const config = jump.config(announced);

  await t.step("a command has its output and exit status", async () => {
    const { code, stdout } = await jump.ssh(announced, ["job", "echo out; exit 7"]);
    assert.deepEqual([code, stdout], [7, "out\n"]);
  });

  await t.step("10 MB go there and back", async () => {
    await using dir = new TempDir();
    dir.write("random", randomBytes(10_000_000));
    const command = `ssh -F ${config} job cat <random >back && cmp random back`;
    await succeed("sh", ["-c", command], { cwd: dir.path });
  });

  await t.step("sftp puts and gets", async () => {
    await using dir = new TempDir();
    dir.write("random", randomBytes(300_000));
    const batch = dir.write("batch", "put random there\nget there back\n");
    await succeed("sftp", ["-q", "-F", config, "-b", batch, "job"], { cwd: dir.path });
    await succeed("cmp", ["random", "back"], { cwd: dir.path });
  });

  await t.step("a port of the job is forwarded", async () => {
    const command = `printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' | ` +
      `ssh -F ${config} -W ${new URL(jump.world.http).host} job`;
    const { stdout } = await run("sh", ["-c", command]);
    assert.match(stdout, /\r\n\r\nok\n?$/);
  });

  await t.step("the server counts it as a client of the agent", async () => {
    await using shell = new Program("ssh", ["-F", config, "job", "echo in; cat"], {
      interactive: true,
    });
    await shell.waitFor(/in/);
    const { agents } = await (await fetch(`${jump.world.http}/api/sessions`)).json();
    assert.deepEqual(agents.map(({ clients }: { clients: unknown[] }) => clients.length), [1]);
    await shell.closeInput();
    assert.equal((await shell.result()).code, 0);
  });
});

test("a jump host leads to agents and does nothing else", async (t) => {
  await using jump = await JumpWorld.start();
  const agent = jump.world.startAgent();
  const announced = await agent.announced();
  const config = jump.config(announced);
  const refused: [name: string, args: string[], reason: RegExp][] = [
    ["a shell", ["jump", "true"], /this host leads to agents only: ssh -J HOST:PORT USER@ID/],
    ["sftp", ["-s", "jump", "sftp"], /this host leads to agents only/],
    ["a host that is no agent", ["-W", "localhost:22", "jump"], /no agent .*localhost/],
    ["an invalid ID", ["-W", "../x:22", "jump"], /invalid rendez-vous ID/],
    [
      "a port of its own",
      ["-oExitOnForwardFailure=yes", "-N", "-R", "0:localhost:1", "jump"],
      /remote port forwarding failed/,
    ],
  ];
  for (const [name, args, reason] of refused) {
    await t.step(`${name} is refused`, async () => {
      const { code, stderr } = await run("ssh", ["-F", config, "-oLogLevel=INFO", ...args]);
      assert.equal(code, 255);
      assert.match(stderr, reason);
    });
  }
});

test("the jump host waits for an agent as ?wait= does", async () => {
  await using jump = await JumpWorld.start(["--log-level", "debug"]);
  const { world } = jump;
  const later = { id: "later", username: "converge", fingerprint: "", hostKey: "" };
  const config = jump.config(later, [
    "Host jump",
    "User wait=1m",
    "Host job",
    "StrictHostKeyChecking no",
  ]);
  await using ssh = new Program("ssh", ["-F", config, "job", "echo in"]);
  await world.server.waitFor(/"event":"client waits"/);
  world.startAgent({ id: "later" });
  assert.equal((await ssh.result()).stdout, "in\n");
});

test("the jump host keeps its key", async (t) => {
  await using dir = new TempDir();
  const file = join(dir.path, "key");
  const kinds: [name: string, args: string[]][] = [
    ["in the state directory", ["--state-dir", dir.path]],
    ["in the file of --ssh-host-key", ["--ssh-host-key", file]],
  ];
  for (const [name, args] of kinds) {
    await t.step(name, async () => {
      const start = async () => {
        await using jump = await JumpWorld.start(args);
        const scan = await run("ssh-keyscan", ["-p", `${jump.port}`, "127.0.0.1"]);
        assert.match(scan.stdout, /ssh-ed25519 /);
        return jump.fingerprint;
      };
      assert.equal(await start(), await start());
    });
  }
});
