import assert from "node:assert/strict";
import { Backoff } from "../../../lib/wire/dial/backoff.ts";

Deno.test("Backoff doubles its waits up to the limit, and starts again after a success", () => {
  const backoff = new Backoff({ initial: 250, max: 3000, random: () => 1 });
  const waits = () => Array.from({ length: 6 }, () => backoff.next());
  assert.deepEqual(waits(), [250, 500, 1000, 2000, 3000, 3000]);
  backoff.reset();
  assert.deepEqual(waits(), [250, 500, 1000, 2000, 3000, 3000]);
});

Deno.test("Backoff waits for anything from nothing to the ceiling", () => {
  const backoff = new Backoff();
  for (let i = 0; i < 100; i++) {
    const wait = backoff.next();
    assert.ok(wait >= 0 && wait < 3000, `${wait}`);
  }
});
