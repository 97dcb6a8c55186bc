import assert from "node:assert/strict";
import { parseDuration } from "../../lib/text/duration.ts";

Deno.test("parseDuration() adds up its parts", () => {
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("0s"), 0);
});

for (const text of ["", "10", "-1s", "1.5h", "10 m", "s", "5y", "10m x", "25d"]) {
  Deno.test(`parseDuration() rejects "${text}"`, () => {
    assert.throws(() => parseDuration(text), TypeError);
  });
}

Deno.test("parseDuration() takes no longer for a text that is made to be hard", () => {
  // With steps for each pair of digits this would take minutes; the server parses what anybody
  // sends.
  assert.throws(() => parseDuration(`${"1".repeat(1_000_000)}x`), TypeError);
});
