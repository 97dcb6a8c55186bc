import assert from "node:assert/strict";
import { SleepWatch } from "../../lib/client/sleep_watch.ts";

Deno.test("SleepWatch tells a sleep from a busy moment and from a clock set back", () => {
  let now = 0;
  let woken = 0;
  using watch = new SleepWatch({ onWake: () => woken++, wall: () => now });
  for (
    const [passed, expected] of [[2_000, 0], [11_000, 0], [60_000, 1], [2_000, 1], [
      -9e6,
      1,
    ]] as const
  ) {
    now += passed;
    watch.look();
    assert.equal(woken, expected, `${passed} ms`);
  }
});
