import assert from "node:assert/strict";
import { once } from "node:events";
import { Deadline } from "../../lib/wire/deadline.ts";

Deno.test("Deadline aborts when the time is up, and says so", async () => {
  using deadline = new Deadline(5);
  await once(deadline.signal, "abort");
  assert.equal(deadline.passed, true);
  assert.equal(deadline.signal.reason.message, "no answer within 0.005 s");
});

Deno.test("Deadline aborts with the outer signal, for its reason", () => {
  const outer = new AbortController();
  using deadline = new Deadline(600_000, outer.signal);
  outer.abort("SIGTERM");
  assert.equal(deadline.signal.reason, "SIGTERM");
  assert.equal(deadline.passed, false);
});
