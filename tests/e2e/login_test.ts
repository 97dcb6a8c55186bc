/** Who gets in and who does not, and what the agent's log says about it. */
import assert from "node:assert/strict";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type Agent, type Announced, World } from "../support/world.ts";

const test = requires("ssh");

/** Checks that a login is refused, and that the agent's log says why. */
async function refused(
  world: World,
  agent: Agent,
  announced: Announced,
  reason: RegExp,
  options: string[] = [],
): Promise<void> {
  const before = agent.program.printed;
  const result = await world.ssh(announced, ["-oBatchMode=yes", ...options, "true"]);
  assert.equal(result.code, 255);
  assert.match(result.stderr, /Permission denied/);
  const [line] = await agent.program.waitFor(/.*refused.*/, before);
  assert.match(line, reason);
}

async function accepted(world: World, announced: Announced): Promise<void> {
  const result = await world.ssh(announced, ["-oBatchMode=yes", "echo in"]);
  assert.equal(result.stdout, "in\n", result.stderr);
}

test(".authorized_keys is read again at each login, however it was written", async (t) => {
  await using world = await World.start();
  const agent = world.startAgent({ authorizedKeys: null });
  const announced = await agent.announced();
  const key = world.publicKey.trim();
  const utf16 = (text: string) => {
    const bytes = new Uint8Array(2 + text.length * 2);
    bytes.set([0xff, 0xfe]);
    for (const [at, char] of [...text].entries()) bytes[2 + 2 * at] = char.charCodeAt(0);
    return bytes;
  };

  await t.step(
    "missing: refused",
    () => refused(world, agent, announced, /authorized_keys.*does not exist/i),
  );
  await t.step("empty: refused", () => {
    agent.dir.write(".authorized_keys", "");
    return refused(world, agent, announced, /authorized_keys/);
  });
  for (
    const [what, content] of [
      ["with LF, comments and broken lines", `# people\n\nssh-ed25519 broken\n${key}\n`],
      ["with CRLF", `ssh-rsa AAAA x\r\n${key}\r\n`],
      ["with a byte order mark", `\ufeff${key}\r\n`],
      ["in UTF-16", utf16(`${key}\r\n`)],
    ] as const
  ) {
    await t.step(`${what}: accepted`, async () => {
      agent.dir.write(".authorized_keys", content);
      await accepted(world, announced);
    });
  }
  await t.step("with another key: refused", async () => {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${world.home.path}/other`]);
    const other = Deno.readTextFileSync(`${world.home.path}/other.pub`);
    agent.dir.write(".authorized_keys", other);
    await refused(world, agent, announced, /the key is not in.*SHA256:|SHA256:.*the key is not in/);
  });
});

test("only the server's user name, and its password if it has one", async (t) => {
  await using world = await World.start(["--username", "ann"], {
    CONVERGE_PASSWORD: "s3cret pass",
  });
  const agent = world.startAgent();
  const announced = await agent.announced();
  assert.equal(announced.username, "ann");
  const login = async (password: string, user = "ann") => {
    const askpass = world.home.write("askpass", `#!/bin/sh\necho '${password}'\n`, 0o700);
    return await world.ssh(announced, [
      ...["-oPreferredAuthentications=password", "-oNumberOfPasswordPrompts=1", `-l${user}`],
      "echo in",
    ], { env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", DISPLAY: "none" } });
  };

  await t.step("the right password", async () => {
    assert.equal((await login("s3cret pass")).stdout, "in\n");
  });
  await t.step("a wrong password is refused, and the log says why", async () => {
    assert.equal((await login("guess")).code, 255);
    await agent.program.waitFor(/refused.*wrong password/);
  });
  await t.step("a wrong user is refused, and the log says why", async () => {
    assert.equal((await login("s3cret pass", "root")).code, 255);
    await agent.program.waitFor(/refused.*root/);
  });
  await t.step("the password is nowhere in logs or environments", async () => {
    const { stdout } = await world.ssh(announced, ["env"]);
    for (const text of [stdout, agent.program.stderr, agent.program.stdout, world.server.stderr]) {
      assert.ok(!text.includes("s3cret"));
      assert.ok(!text.includes("guess"));
    }
  });
});

test("without a password on the server nobody is asked for one", async () => {
  await using world = await World.start();
  const agent = world.startAgent({ authorizedKeys: "" });
  const announced = await agent.announced();
  const result = await world.ssh(announced, ["-oPreferredAuthentications=password", "true"]);
  assert.equal(result.code, 255);
  assert.match(result.stderr, /Permission denied \(publickey\)/);
});

test("an agent that nobody can log in to says so and how to fix it", async () => {
  await using world = await World.start();
  const agent = world.startAgent({ authorizedKeys: null, json: false });
  await agent.program.waitFor(/nobody can log in yet[^]*add a public key: [^]*authorized_keys/);
  agent.dir.write(".authorized_keys", world.publicKey);
  await agent.program.waitFor(/1 key/);
});
