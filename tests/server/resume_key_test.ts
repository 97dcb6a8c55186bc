import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadResumeKey } from "../../lib/server/resume_key.ts";
import { TempDir } from "../support/program.ts";

Deno.test("loadResumeKey() makes a private key once and keeps it", async () => {
  await using dir = new TempDir();
  const state = join(dir.path, "a", "state");
  const key = await loadResumeKey(state);
  assert.equal(key.length, 32);
  assert.deepEqual(await loadResumeKey(state), key);
  assert.deepEqual(readdirSync(state), ["resume.key"]);
  assert.equal(statSync(join(state, "resume.key")).mode & 0o777, 0o600);
  assert.equal(statSync(state).mode & 0o777, 0o700);
});

Deno.test("loadResumeKey() refuses what is not a key, and names the option", async () => {
  await using dir = new TempDir();
  dir.write("resume.key", "short");
  await assert.rejects(loadResumeKey(dir.path), /^Error: cannot use --state-dir ".*": resume.key/);
  const linked = join(dir.path, "linked");
  mkdirSync(linked);
  Deno.symlinkSync("/dev/zero", join(linked, "resume.key"));
  await assert.rejects(loadResumeKey(linked), /resume.key in it is not a valid key/);
  dir.write("file", "");
  await assert.rejects(loadResumeKey(join(dir.path, "file")), /cannot use --state-dir/);
});
