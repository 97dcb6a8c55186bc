import { equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { generateHostKey, loadHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { makeKey } from "../../support/ssh.ts";

const test = requires("ssh");

test("loadHostKey() makes a key that ssh-keygen reads, for its owner alone", async () => {
  await using dir = new TempDir();
  const path = join(dir.path, "host_key");
  const made = await loadHostKey(path);
  if (Deno.build.os !== "windows") equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  const { stdout } = await run("ssh-keygen", ["-y", "-f", path]);
  equal(stdout.trim(), made.publicLine);
  const listed = await run("ssh-keygen", ["-l", "-f", path]);
  equal(listed.stdout.split(" ")[1], made.fingerprint);
  equal((await loadHostKey(path)).publicLine, made.publicLine);
});

test("loadHostKey() reads what ssh-keygen makes", async () => {
  await using dir = new TempDir();
  for (const args of [["-t", "ed25519"], ["-t", "ecdsa"], ["-t", "ecdsa", "-m", "PEM"]]) {
    const path = await makeKey(dir, args.join(""), args);
    const { fingerprint } = await loadHostKey(path);
    const { stdout } = await run("ssh-keygen", ["-l", "-f", `${path}.pub`]);
    equal(stdout.split(" ")[1], fingerprint);
  }
});

test("loadHostKey() says what is wrong with a file", async () => {
  await using dir = new TempDir();
  const rubbish = dir.write("rubbish", "rubbish");
  await rejects(loadHostKey(rubbish), /cannot use the host key ".*rubbish": .*ssh-keygen/);
  await rejects(loadHostKey(dir.path), /cannot read the host key/);
  await rejects(loadHostKey(join(dir.path, "no", "key")), /cannot write the host key/);
  const rsa = await makeKey(dir, "rsa", ["-t", "rsa", "-b", "2048"]);
  await rejects(loadHostKey(rsa), /has to be ed25519 or ecdsa, this is ssh-rsa/);
});

Deno.test("generateHostKey() makes another key each time", () => {
  const key = generateHostKey();
  match(key.fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/);
  equal(key.fingerprint === generateHostKey().fingerprint, false);
});
