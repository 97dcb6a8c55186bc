import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { forgetOtherKeys, withoutOtherKeys } from "../../../lib/client/host_key/known_hosts.ts";
import { TempDir } from "../../support/program.ts";

const KEY = Uint8Array.of(1, 2, 3);
const KNOWN = Buffer.from(KEY).toString("base64");

Deno.test("only other keys of that very host go", () => {
  const others = [
    "# a comment",
    "other.converge ssh-ed25519 AAAA",
    "job.converge.x ssh-ed25519 AAAA",
    "|1|hash= ssh-ed25519 AAAA",
    "@revoked job.converge ssh-ed25519 AAAA",
    `job.converge ssh-ed25519 ${KNOWN} note`,
    "",
  ];
  const text = ["job.converge ssh-ed25519 AAAA", ...others].join("\n");
  assert.equal(withoutOtherKeys(text, "Job.converge", KEY), others.join("\n"));
  assert.equal(withoutOtherKeys(others.join("\n"), "job.converge", KEY), undefined);
});

Deno.test("the file keeps its mode; a missing one is no failure", async () => {
  await using dir = new TempDir();
  assert.equal(await forgetOtherKeys(`${dir.path}/none`, "a", KEY), false);
  const path = dir.write("known_hosts", "a ssh-ed25519 AAAA\n", 0o640);
  assert.equal(await forgetOtherKeys(path, "a", KEY), true);
  assert.equal(await Deno.readTextFile(path), "");
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o640);
  await assert.rejects(forgetOtherKeys(dir.path, "a", KEY), /^Error: cannot update ".*"/);
});

Deno.test("a file of more than 16 MiB is no known_hosts, and stays", async () => {
  await using dir = new TempDir();
  const text = "a ssh-ed25519 AAAA\n".padEnd(16 * 1024 * 1024 + 1, "#");
  const path = dir.write("known_hosts", text);
  await assert.rejects(
    forgetOtherKeys(path, "a", KEY),
    /^Error: cannot update ".*": it is larger than 16.8 MB/,
  );
  assert.equal(Deno.statSync(path).size, text.length);
});
