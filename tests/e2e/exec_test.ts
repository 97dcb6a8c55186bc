/** Commands without a terminal: ssh, wsproxy, server and agent as processes of their own. */
import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

test("ssh runs commands through wsproxy, server and agent", async (t) => {
  await using world = await World.start();
  const agent = await world.startAgent().announced();

  for (const status of [0, 7, 255]) {
    await t.step(`stdout, stderr and exit status ${status} come back exactly`, async () => {
      const command = `printf 'out\\n\\0end'; printf 'err' >&2; exit ${status}`;
      const result = await world.ssh(agent, [command]);
      assert.equal(result.stdout, "out\n\0end");
      assert.equal(result.stderr, "err");
      assert.equal(result.code, status);
    });
  }

  await t.step("a command killed by a signal reports it", async () => {
    const result = await world.ssh(agent, ["-v", "kill -TERM $$"]);
    assert.equal(result.code, 255);
    assert.match(result.stderr, /exit-signal/);
  });

  await t.step("10 MB of random bytes come back identical", async () => {
    const input = randomBytes(10_000_000);
    const result = await world.ssh(agent, ["cat"], { input });
    assert.equal(result.code, 0, result.stderr);
    assert.ok(equalBytes(result.bytes, input));
  });

  await t.step("end of file on stdin reaches the command, whose answer comes back", async () => {
    const result = await world.ssh(agent, ["wc -c; echo done"], { input: "12345" });
    assert.deepEqual(result.stdout.split(/\s+/).filter(Boolean), ["5", "done"]);
  });

  await t.step(
    "the command runs in the agent's directory with what it needs to find it",
    async () => {
      const command = 'printf "%s|%s|%s|%s" "$PWD" "$CONVERGE_DIR" "$CONVERGE_ID" "$CONVERGE_HOLD"';
      const { stdout } = await world.ssh(agent, [command]);
      const [cwd, dir, id, hold] = stdout.split("|");
      assert.equal(cwd, dir);
      assert.equal(id, agent.id);
      assert.equal(hold, `${dir}/.hold`);
    },
  );
});

test("ssh runs commands through tunnel", async () => {
  await using world = await World.start();
  const agent = await world.startAgent().announced();
  const tunnel = world.startTunnel(agent.id);
  const [, port] = await tunnel.waitFor(/127\.0\.0\.1:(\d+)/);
  const input = randomBytes(1_000_000);
  const result = await world.ssh(agent, ["-oProxyCommand=none", `-p${port}`, "cat; exit 3"], {
    input,
  });
  assert.equal(result.code, 3, result.stderr);
  assert.ok(equalBytes(result.bytes, input));
});

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
