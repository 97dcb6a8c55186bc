/** OpenSSH from 10.1 on warns of a key exchange that a quantum computer could break. */
import assert from "node:assert/strict";
import { newestSsh } from "../../support/newest_ssh.ts";
import { run } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { World } from "../../support/world.ts";

const test = requires("ssh-keygen", "newest-ssh");

test("the newest OpenSSH exchanges keys by ML-KEM and does not warn", async () => {
  await using world = await World.start();
  const agent = await world.startAgent().announced();
  const ssh = (option: string, command: string, input?: Uint8Array) => {
    const host = `${agent.username}@localhost`;
    return run(
      ...newestSsh([option, "-oRekeyLimit=1M", ...world.sshOptions(agent), host, command]),
      { input },
    );
  };
  const silent = await ssh("-oLogLevel=INFO", "echo in");
  assert.deepEqual([silent.stdout, silent.stderr, silent.code], ["in\n", "", 0]);
  const input = new Uint8Array(10_000_000).fill(120);
  const loud = await ssh("-oLogLevel=DEBUG1", "wc -c", input);
  assert.equal(loud.stdout, "10000000\n");
  const exchanges = loud.stderr.match(/kex: algorithm: mlkem768x25519-sha256\b/g);
  assert.ok(exchanges!.length > 5, loud.stderr);
});
