import assert from "node:assert/strict";
import { join } from "node:path";
import { chooseHostKeys, type HostKeysOptions } from "../../lib/agent/host_keys.ts";
import { hostKeyType, makeHostKey, newHostKeySecret } from "../../lib/ssh/keys/host_key.ts";
import { TempDir } from "../support/program.ts";

/** The types of the keys, in order. */
async function typesOf(options: HostKeysOptions): Promise<string[]> {
  return (await chooseHostKeys(options)).map(hostKeyType);
}

Deno.test("an agent has an ed25519 key, or those that it is asked for, in order", async () => {
  assert.deepEqual(await typesOf({ files: [] }), ["ed25519"]);
  assert.deepEqual(await typesOf({ files: [], types: ["ecdsa", "ed25519"] }), ["ecdsa", "ed25519"]);
});

Deno.test("files that are missing get the types that are missing, and are read again", async () => {
  await using dir = new TempDir();
  const files = ["a", "b"].map((name) => join(dir.path, name));
  const types = ["ecdsa", "ed25519"] as const;
  const made = await chooseHostKeys({ files, types: [...types] });
  assert.deepEqual(made.map(hostKeyType), types);
  const read = await chooseHostKeys({ files: files.toReversed(), types: [...types] });
  assert.deepEqual(read.map(({ blob }) => blob), made.map(({ blob }) => blob));
  assert.deepEqual(await typesOf({ files: [files[1]!] }), ["ed25519"]);
  assert.deepEqual(await typesOf({ files, types: ["ed25519"] }), ["ed25519", "ecdsa"]);
});

Deno.test("a type without a file or secret gets a key for the run", async () => {
  await using dir = new TempDir();
  const file = join(dir.path, "key");
  await makeHostKey(file, "ecdsa");
  assert.deepEqual(await typesOf({ files: [file] }), ["ecdsa"]);
  const types: HostKeysOptions["types"] = ["ed25519", "ecdsa"];
  assert.deepEqual(await typesOf({ files: [file], types }), ["ed25519", "ecdsa"]);
  const secret = newHostKeySecret();
  assert.deepEqual(await typesOf({ files: [], types, secret }), ["ed25519", "ecdsa"]);
  assert.deepEqual(await typesOf({ files: [], secret }), ["ed25519"]);
  // The file wins.
  assert.deepEqual(await typesOf({ files: [file], secret }), ["ecdsa"]);
});

Deno.test("files that do not fit are refused, and nothing is written", async () => {
  await using dir = new TempDir();
  const [one, two] = ["one", "two"].map((name) => join(dir.path, name)) as [string, string];
  await makeHostKey(one, "ed25519");
  await assert.rejects(
    chooseHostKeys({ files: [one, two] }),
    /cannot make the host key ".*two": name its type in --host-key-types/,
  );
  await assert.rejects(Deno.stat(two), Deno.errors.NotFound);
  await makeHostKey(two, "ed25519");
  await assert.rejects(
    chooseHostKeys({ files: [one, two] }),
    /cannot use the host key ".*two": ".*one" is ed25519 too/,
  );
});
