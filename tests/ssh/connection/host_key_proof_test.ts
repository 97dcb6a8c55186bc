import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateHostKey, type HostKey, loadHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { PROVE_HOST_KEYS } from "../../../lib/ssh/connection/host_key_proof.ts";
import { Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { inTime } from "../../support/deadline.ts";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { makeKey, TestSshServer } from "../../support/ssh.ts";
import { nextReply } from "../../support/ssh2_internals.ts";
import { RawClient } from "../../support/ssh_raw_client.ts";

const test = requires("ssh");

/** Logs in with a client that asks for proofs by itself. @returns the keys that were proven to it */
async function provenKeys(hostKey: HostKey): Promise<string[]> {
  await using server = await TestSshServer.start({ hostKey });
  await using raw = await RawClient.connect(server);
  const proven = new Promise<{ type: string; getPublicSSH(): Uint8Array }[]>((resolve) => {
    raw.client.on("hostkeys", (keys) => resolve(keys as never));
  });
  const keys = await inTime(proven, () => "no host key was proven");
  return keys.map((key) => `${key.type} ${Buffer.from(key.getPublicSSH()).toString("base64")}`);
}

test("a client is told the host key after login, and has it proven", async () => {
  await using dir = new TempDir();
  const hostKeys = [generateHostKey()];
  // Several, for what matters is how long the secret number happens to be.
  for (const [number, bits] of ["256", "256", "256", "384", "521"].entries()) {
    const ecdsa = await makeKey(dir, `host-${number}`, ["-t", "ecdsa", "-b", bits]);
    hostKeys.push(await loadHostKey(ecdsa));
  }
  for (const hostKey of hostKeys) {
    assert.deepEqual(await provenKeys(hostKey), [hostKey.publicLine]);
  }
});

test("nothing but the host key is proven", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  const foreign = generateHostKey().blob;
  const ours = server.hostKey.blob;
  for (const keys of [[], [foreign], [ours, ours], [ours, foreign]]) {
    const message = new Writer().byte(80).string(PROVE_HOST_KEYS).boolean(true);
    for (const key of keys) message.string(key);
    const granted = nextReply(raw.client);
    raw.send(message.bytes());
    assert.equal(await inTime(granted, () => "no answer"), false);
  }
  assert.equal((await raw.exec("echo in")).output, "in\n");
});
