import assert from "node:assert/strict";
import { sameSecret } from "../../lib/wire/same_secret.ts";

Deno.test("sameSecret() compares secrets of any length", () => {
  assert.ok(sameSecret("hunter2", "hunter2"));
  assert.ok(sameSecret("", ""));
  for (const other of ["", "hunter", "hunter22", "Hunter2"]) {
    assert.ok(!sameSecret(other, "hunter2"));
  }
});
