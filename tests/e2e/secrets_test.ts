/** What an agent is given in secret stays with it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { newHostKeySecret } from "../../lib/ssh/keys/host_key.ts";
import { DetachedAgent } from "../support/detached_agent.ts";
import { Program, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type Announced, World } from "../support/world.ts";

const test = requires("ssh");

const TOKEN = "s3same-token";

/** Of a session: its environment, and what the system shows of the agent and of what it runs. */
const SEEN = "env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' ' ' < /proc/$PPID/cmdline; " +
  "cat /proc/self/environ | tr '\\0' '\\n'";

/** Starts a server that asks agents for a token, and a directory with that token in a file. */
async function startWorld() {
  const dir = new TempDir();
  const tokenFile = dir.write("token", `${TOKEN}\n`);
  const world = await World.start(["--agent-token-file", tokenFile]);
  return { dir, tokenFile, world };
}

/** Checks that a session sees the environment, and none of the secrets. */
async function assertHidden(world: World, announced: Announced, secrets: string[]): Promise<void> {
  const { stdout, stderr } = await world.ssh(announced, [SEEN]);
  // Of the session and of the agent.
  assert.equal(stdout.match(/^MARK=seen$/gm)?.length, 3, stdout + stderr);
  for (const secret of secrets) assert.ok(!stdout.includes(secret), stdout);
}

test("no session finds the agent's secrets, wherever they came from", {
  ignore: Deno.build.os !== "linux",
}, async (t) => {
  const { dir, tokenFile, world } = await startWorld();
  await using _dir = dir;
  await using _world = world;
  const hostKey = newHostKeySecret();
  const MARK = "seen";
  const inFile = ["--token-file", tokenFile];
  const fromFile = { args: inFile, env: { MARK, CONVERGE_PASSWORD: "s3same-password" } };
  const fromEnv = {
    args: [],
    env: {
      ...{ MARK, CONVERGE_AGENT_TOKEN: TOKEN, CONVERGE_HOST_KEY: hostKey },
      CONVERGE_SERVER: world.url.replace("//", "//user:s3same-login@"),
      // Nobody is there, which the log says.
      CONVERGE_NOTIFY_URL: "http://127.0.0.1:1/s3same-hook",
    },
  };
  const secrets = [TOKEN, "s3same-password", hostKey, "s3same-login", "s3same-hook"];
  for (const [how, options] of Object.entries({ "files": fromFile, "its environment": fromEnv })) {
    await t.step(`${how}`, async () => {
      const { args, env } = options;
      const agent = world.startAgent({ args: [...args, "--log-level", "debug"], env });
      await assertHidden(world, await agent.announced(), secrets);
      agent.program.kill("SIGTERM");
      const { stdout, stderr } = await agent.program.result();
      for (const secret of secrets) assert.ok(!(stdout + stderr).includes(secret));
    });
  }
  await t.step("the environment, in the background", async () => {
    await using agent = new DetachedAgent(world);
    const { code, stdout, stderr } = await agent.detach(["--json"], fromEnv.env);
    assert.equal(code, 0, stderr);
    await assertHidden(world, JSON.parse(stdout), secrets);
    for (const { name } of Deno.readDirSync(join(agent.dir.path, ".converge"))) {
      const text = Deno.readTextFileSync(join(agent.dir.path, ".converge", name));
      for (const secret of secrets) assert.ok(!text.includes(secret), name);
    }
  });
});

/** Wrong arguments with a secret in them, by program. */
const WRONG: [entry: string, args: string[]][] = [
  ["agent.ts", ["wss://user:s3same@host:99999/"]],
  ["agent.ts", ["user:s3same@ho st"]],
  ["agent.ts", ["ftp://user:s3same@host/path?s3same#s3same"]],
  ["agent.ts", ["wss://user:s3/s3same@127.0.0.1:1/?s3same"]],
  ["agent.ts", ["--notify-url", "http://hooks.example/s3same", "ws://127.0.0.1:1"]],
  ["agent.ts", ["--notify-url", "s3same", "ws://127.0.0.1:1"]],
  ["wsproxy.ts", ["ftp://user:s3same@host"]],
  ["wsproxy.ts", ["ws://user:s3same@127.0.0.1:1/client/x?s3same"]],
  ["wsproxy.ts", ["--header", "s3same", "ws://127.0.0.1:1"]],
  ["tunnel.ts", ["0", "ftp://user:s3same@host"]],
];

Deno.test("errors about arguments do not show the secrets in them", async (t) => {
  for (const [entry, args] of WRONG) {
    await t.step(`${entry} ${args.join(" ")}`, async () => {
      await using program: Program = startEntry(entry, args);
      const { code, stderr } = await program.result();
      assert.notEqual(code, 0);
      assert.notEqual(stderr, "");
      assert.doesNotMatch(stderr, /s3same/);
    });
  }
});
