import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram } from "../../lib/program/find_program.ts";
import { TempDir } from "../support/program.ts";

Deno.test("findProgram() looks names up in PATH and takes paths as they are", async () => {
  await using dir = new TempDir();
  const program = dir.write("program", "#!/bin/sh\n", 0o700);
  dir.write("data", "", 0o600);
  Deno.mkdirSync(join(dir.path, "directory"));
  const env = { PATH: `/nowhere::${dir.path}` };
  assert.equal(findProgram("program", env), program);
  assert.equal(findProgram(program, {}), program);
  for (const name of ["data", "directory", "missing", "./program", ""]) {
    assert.equal(findProgram(name, env), undefined, name);
  }
});
