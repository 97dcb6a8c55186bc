import { equal, match, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import {
  generateHostKey,
  hostKeyFromSecret,
  hostKeyType,
  loadHostKey,
  makeHostKey,
  newHostKeySecret,
  readHostKeyFile,
} from "../../../lib/ssh/keys/host_key.ts";
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

test("a secret is the key on one line, or as its file has it", async () => {
  await using dir = new TempDir();
  const secret = newHostKeySecret();
  match(secret, /^[A-Za-z0-9+/=]+$/);
  const { publicLine } = hostKeyFromSecret("NAME", `${secret}\n`);
  const path = await makeKey(dir, "key");
  const file = Deno.readTextFileSync(path);
  const fromFile = hostKeyFromSecret("NAME", file.replaceAll("\n", "\r\n"));
  equal(fromFile.publicLine, (await loadHostKey(path)).publicLine);
  // OpenSSH reads the line, too, once it has its first and last one.
  const [first, last] = [file.split("\n")[0], file.trimEnd().split("\n").at(-1)];
  const whole = dir.write("whole", `${first}\n${secret.replaceAll(/.{70}/g, "$&\n")}\n${last}\n`);
  equal((await run("ssh-keygen", ["-y", "-f", whole])).stdout.trim(), publicLine);
  for (const wrong of ["x", secret.slice(0, -40), publicLine]) {
    throws(() => hostKeyFromSecret("NAME", wrong), (error: Error) => {
      match(error.message, /^cannot use NAME: .*; make one with "agent keygen"$/);
      return !error.message.includes(wrong.slice(0, 20)) || wrong === "x";
    });
  }
});

test("makeHostKey() makes keys of each type that ssh-keygen reads", async () => {
  await using dir = new TempDir();
  for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
    const path = join(dir.path, type);
    const made = await makeHostKey(path, type);
    equal(hostKeyType(made), type);
    if (Deno.build.os !== "windows") equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    equal((await run("ssh-keygen", ["-y", "-f", path])).stdout.trim(), made.publicLine);
    equal((await readHostKeyFile(path))?.publicLine, made.publicLine);
  }
});

test("loadHostKey() reads what ssh-keygen makes", async () => {
  await using dir = new TempDir();
  const ecdsa = [["-t", "ecdsa"], ["-t", "ecdsa", "-m", "PEM"]];
  for (const args of [["-t", "ed25519"], ...ecdsa, ["-t", "rsa"], ["-t", "rsa", "-m", "PEM"]]) {
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
  const large = dir.write("large", "x".repeat(64 * 1024 + 1));
  await rejects(loadHostKey(large), /cannot read the host key ".*": it is larger than 65.5 kB/);
  await rejects(loadHostKey(join(dir.path, "no", "key")), /cannot write the host key/);
  const rsa = await makeKey(dir, "rsa", ["-t", "rsa", "-b", "1024"]);
  await rejects(loadHostKey(rsa), /an RSA key of 1024 bits is too short, 2048 is the least/);
});

Deno.test("generateHostKey() makes another key each time", () => {
  const key = generateHostKey();
  match(key.fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/);
  equal(key.fingerprint === generateHostKey().fingerprint, false);
});
