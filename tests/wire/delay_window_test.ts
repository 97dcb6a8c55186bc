import assert from "node:assert/strict";
import { DelayWindow } from "../../lib/wire/delay_window.ts";

const newWindow = () => new DelayWindow({ first: 100_000, least: 10_000, most: 1_000_000 });

Deno.test("DelayWindow doubles while it holds something back and nothing waits", () => {
  const window = newWindow();
  window.timed(200, 1_000);
  assert.equal(window.size, 100_000);
  for (const size of [200_000, 400_000, 800_000, 1_000_000, 1_000_000]) {
    window.holdBack();
    window.timed(230, 1_000);
    assert.equal(window.size, size);
  }
});

Deno.test("DelayWindow becomes what is taken in the shortest time and a tenth of a second", () => {
  const window = newWindow();
  window.timed(200, 1_000);
  window.timed(400, 80_000);
  assert.equal(window.size, 200 * 300);
  window.timed(400, 1_000_000);
  assert.equal(window.size, 200 * 300, "it does not grow by that");
  for (let i = 0; i < 7; i++) window.timed(1_000, 100);
  assert.equal(window.size, 200 * 300, "one fast answer of eight counts");
  window.timed(1_000, 100);
  assert.equal(window.size, 10_000);
});
