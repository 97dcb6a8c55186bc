import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateHostKey, type HostKey, loadHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { hostKeyProver, PROVE_HOST_KEYS } from "../../../lib/ssh/connection/host_key_proof.ts";
import type { GlobalRequest } from "../../../lib/ssh/connection/handler.ts";
import { parsePublicKey } from "../../../lib/ssh/keys/public_key.ts";
import { verifySignature } from "../../../lib/ssh/keys/signature.ts";
import { Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";
import { inTime } from "../../support/deadline.ts";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { makeKey, TestSshServer } from "../../support/ssh.ts";
import { nextReply } from "../../support/ssh2_internals.ts";
import { RawClient } from "../../support/ssh_raw_client.ts";

const test = requires("ssh");

/**
 * Logs in with a client that asks for proofs by itself. @returns the keys that were proven to it
 */
async function provenKeys(...hostKeys: HostKey[]): Promise<string[]> {
  await using server = await TestSshServer.start({ hostKeys });
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

test("ssh logs in by each type of host key, and learns the others", async () => {
  const types = ["ed25519", "ecdsa", "rsa"] as const;
  const hostKeys = types.map((type) => generateHostKey(type));
  await using server = await TestSshServer.start({ hostKeys });
  const lines = hostKeys.map(({ publicLine }) => `[127.0.0.1]:${server.port} ${publicLine}`);
  const algorithms: [algorithm: string, known: number][] = [
    ["ssh-ed25519", 0],
    ["ecdsa-sha2-nistp256", 1],
    ["rsa-sha2-256", 2],
    ["rsa-sha2-512", 2],
  ];
  for (const [algorithm, known] of algorithms) {
    const file = server.dir.write("known_hosts", `${lines[known]}\n`);
    // It learns only those that it would take, too.
    const others = algorithms.filter((other) => other[1] !== known).map(([other]) => other);
    const options = [`HostKeyAlgorithms=${[algorithm, ...others]}`, "UpdateHostKeys=yes"];
    const { code, stderr } = await server.ssh(options.flatMap((one) => ["-o", one]), ["true"]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(Deno.readTextFileSync(file).trim().split("\n").sort(), lines.toSorted());
  }
});

Deno.test("a key with several signatures proves itself by the one that was agreed on", async () => {
  const keys = [generateHostKey(), generateHostKey("rsa")];
  const [sessionId, hostKeyAlgorithm] = [Uint8Array.of(1, 2, 3), "rsa-sha2-256"];
  const prove = hostKeyProver({ sessionId, hostKeyAlgorithm } as unknown as Transport, keys);
  const data = keys.reduce((data, { blob }) => data.string(blob), new Writer()).bytes();
  const proofs = new Reader(await prove({ data } as GlobalRequest) as Uint8Array);
  for (const [index, algorithm] of ["ssh-ed25519", "rsa-sha2-256"].entries()) {
    const { blob } = keys[index]!;
    const signed = new Writer().string(PROVE_HOST_KEYS).string(sessionId).string(blob).bytes();
    assert.ok(verifySignature(parsePublicKey(blob), algorithm, proofs.string(), signed));
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
