/** Programs whose files are something else than expected. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DetachedAgent } from "../support/detached_agent.ts";
import { OddFiles } from "../support/odd_files.ts";
import { Program, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

/** Each option that names a file, by program, and what else the program is given. */
const OPTIONS: Record<string, { options: string[]; more: string[] }> = {
  "agent.ts": {
    options: ["--host-key", "--token-file", "--ca-file"],
    more: ["ws://127.0.0.1:1"],
  },
  "server.ts": {
    options: ["--password-file", "--agent-token-file", "--admin-password-file", "--state-dir"],
    more: ["--host", "127.0.0.1", "--port", "0"],
  },
  "wsproxy.ts": { options: ["--ca-file"], more: ["ws://127.0.0.1:1"] },
  "tunnel.ts": { options: ["--ca-file"], more: ["0", "ws://127.0.0.1:1"] },
};

for (const [entry, { options, more }] of Object.entries(OPTIONS)) {
  test(`${entry} ends with a reason when a file is a device`, async (t) => {
    for (const option of options) {
      await t.step(option, async () => {
        await using program = startEntry(entry, [option, "/dev/zero", ...more]);
        const { code, stderr } = await program.result();
        assert.notEqual(code, 0);
        const name = option === "--host-key" ? "the host key" : option;
        assert.match(stderr, new RegExp(`cannot (read|use) ${name} "/dev/zero": .*\n$`));
      });
    }
  });
}

test("server.ts ends with a reason when a file of TLS is a device", async () => {
  await using dir = new TempDir();
  const file = dir.write("file", "");
  for (const files of [[file, "/dev/zero"], ["/dev/zero", file]] as const) {
    const args = ["--port", "0", "--tls-cert", files[0], "--tls-key", files[1]];
    await using program = startEntry("server.ts", args);
    const { code, stderr } = await program.result();
    assert.equal(code, 2);
    assert.match(stderr, /cannot read --tls-(cert|key) "\/dev\/zero": it is a device\n$/);
  }
});

test("an agent goes on whatever .authorized_keys is, and says so", async (t) => {
  await using world = await World.start();
  await using files = await OddFiles.make();
  const agent = world.startAgent();
  const announced = await agent.announced();
  const path = join(agent.dir.path, ".authorized_keys");
  for (const [kind, target, why] of files.all) {
    await t.step(kind, async () => {
      Deno.removeSync(path);
      Deno.symlinkSync(target, path);
      const before = agent.program.printed;
      const { code } = await world.ssh(announced, ["-oBatchMode=yes", "true"]);
      assert.equal(code, 255);
      const [line] = await agent.program.waitFor(/.*login refused.*/, before);
      assert.match(line, why);
    });
  }
  await t.step("a file again", async () => {
    Deno.removeSync(path);
    agent.dir.write(".authorized_keys", world.publicKey);
    assert.equal((await world.ssh(announced, ["echo in"])).stdout, "in\n");
  });
  await t.step("SIGTERM ends it", async () => {
    Deno.removeSync(path);
    Deno.symlinkSync(files.all[0]![1], path);
    agent.program.kill("SIGTERM");
    assert.equal((await agent.program.result()).code, 143);
  });
});

test("an agent takes its token from a pipe of the shell", async () => {
  await using dir = new TempDir();
  const token = dir.write("token", "s3same");
  await using world = await World.start(["--agent-token-file", token]);
  const agent = `"${Deno.execPath()}" run --no-check -A "${join(ROOT, "agent.ts")}"`;
  const script = `exec ${agent} --token-file <(sleep 0.1; echo s3same) ${world.url}`;
  await using program = new Program("bash", ["-c", script], { cwd: dir.path });
  await program.waitFor(/nobody can log in yet/);
});

test("an agent does not use a .converge that is a link", async (t) => {
  await using world = await World.start();
  await using elsewhere = new TempDir();
  const why = /"[^"]*\.converge[^"]*": it is a symbolic link; remove it/;
  await t.step("in the foreground people can log in, and the log says so", async () => {
    const dir = new TempDir();
    Deno.symlinkSync(elsewhere.path, join(dir.path, ".converge"));
    const agent = world.startAgent({ dir });
    assert.equal((await world.ssh(await agent.announced(), ["echo in"])).stdout, "in\n");
    assert.match(agent.program.stderr, /warn agent wait, .* cannot find this agent/);
    assert.match(agent.program.stderr.replaceAll("\\", ""), why);
  });
  for (const args of [[], ["--log-file", "agent.log"]]) {
    await t.step(`no agent stays in the background ${args}`, async () => {
      await using agent = new DetachedAgent(world);
      Deno.symlinkSync(elsewhere.path, join(agent.dir.path, ".converge"));
      const { code, stderr } = await agent.detach(args);
      assert.equal(code, 1);
      assert.match(stderr, why);
      Deno.removeSync(join(agent.dir.path, ".converge"));
    });
  }
  assert.deepEqual([...Deno.readDirSync(elsewhere.path)], []);
});
