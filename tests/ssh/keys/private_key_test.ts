import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parsePrivateKey } from "../../../lib/ssh/keys/private_key.ts";
import { parsePublicKey } from "../../../lib/ssh/keys/public_key.ts";
import { verifySignature } from "../../../lib/ssh/keys/signature.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { makeKey } from "../../support/ssh.ts";

const test = requires("ssh-keygen");

const KINDS = [
  ["-t", "ed25519"],
  ...["256", "384", "521"].map((bits) => ["-t", "ecdsa", "-b", bits]),
  ["-t", "rsa", "-b", "2048"],
];
const FORMATS = [[], ["-m", "PEM"], ["-m", "PKCS8"]];

test("parsePrivateKey() reads what ssh-keygen makes, and signs with it", async () => {
  await using dir = new TempDir();
  const data = new TextEncoder().encode("what is signed");
  for (const kind of KINDS) {
    for (const format of FORMATS) {
      const name = [...kind, ...format].join("");
      const path = await makeKey(dir, name, [...kind, ...format]);
      const key = parsePrivateKey(Deno.readTextFileSync(path));
      const [type, base64] = Deno.readTextFileSync(`${path}.pub`).split(" ");
      assert.equal(key.type, type);
      assert.equal(Buffer.from(key.blob).toString("base64"), base64, name);
      for (const algorithm of key.algorithms) {
        const signature = key.sign(algorithm, data);
        const verified = verifySignature(parsePublicKey(key.blob), algorithm, signature, data);
        assert.equal(verified, true, `${name} ${algorithm}`);
      }
    }
  }
});

test("parsePrivateKey() reads numbers that happen to be short", async () => {
  await using dir = new TempDir();
  // One in 128 secret numbers, and as many of each coordinate, are shorter than their curve.
  const path = (i: number) => makeKey(dir, `short-${i}`, ["-t", "ecdsa"]);
  for (const made of await Promise.all(Array.from({ length: 60 }, (_, i) => path(i)))) {
    const key = parsePrivateKey(Deno.readTextFileSync(made));
    const [, base64] = Deno.readTextFileSync(`${made}.pub`).split(" ");
    assert.equal(Buffer.from(key.blob).toString("base64"), base64);
    const signature = key.sign(key.type, key.blob);
    assert.ok(verifySignature(parsePublicKey(key.blob), key.type, signature, key.blob));
  }
});

test("parsePrivateKey() says why a key cannot be used", async () => {
  await using dir = new TempDir();
  for (const format of FORMATS) {
    const path = await makeKey(dir, `locked${format[1]}`, ["-t", "rsa", "-b", "2048", ...format]);
    const args = ["-q", "-p", "-N", "secret", "-f", path, ...format];
    assert.equal((await run("ssh-keygen", args)).code, 0);
    assert.throws(() => parsePrivateKey(Deno.readTextFileSync(path)), /it has a passphrase/);
  }
  const path = await makeKey(dir, "public");
  const publicKey = Deno.readTextFileSync(`${path}.pub`);
  assert.throws(() => parsePrivateKey(publicKey), /it is a public key/);
  assert.throws(() => parsePrivateKey("rubbish"), /it is not a private key/);
  const begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
  assert.throws(() => parsePrivateKey(`${begin}\nAAAA\n`), /damaged/);
});

test("parsePrivateKey() refuses a file that is cut off or changed", async () => {
  await using dir = new TempDir();
  const text = Deno.readTextFileSync(await makeKey(dir, "key"));
  const [begin, ...lines] = text.trim().split("\n");
  const end = lines.pop();
  const bytes = Buffer.from(lines.join(""), "base64");
  const file = (bytes: Uint8Array) =>
    [begin, Buffer.from(bytes).toString("base64"), end].join("\n");
  // What comes last is the comment and padding.
  for (let length = 0; length < bytes.length - 40; length++) {
    assert.throws(() => parsePrivateKey(file(bytes.subarray(0, length))), `${length}`);
  }
  // The name of the format and that of the cipher.
  for (let at = 0; at < 23; at++) {
    const changed = Uint8Array.from(bytes);
    changed[at]! ^= 255;
    assert.throws(() => parsePrivateKey(file(changed)), `${at}`);
  }
});
