import assert from "node:assert/strict";
import { DelayWindow } from "../../lib/wire/delay_window.ts";

/** A window that is told what was taken, one thing after the other. */
class Link {
  readonly window = new DelayWindow({ first: 100_000, least: 10_000, most: 1_000_000 });
  #taken = 0;

  timed(ms: number, bytes: number): void {
    this.#taken += bytes;
    this.window.timed(ms, bytes, this.#taken);
  }

  get size(): number {
    return this.window.size;
  }
}

Deno.test("DelayWindow doubles while it holds something back and nothing waits", () => {
  const link = new Link();
  link.timed(200, 100_000);
  assert.equal(link.size, 100_000);
  for (const size of [200_000, 400_000, 800_000, 1_000_000, 1_000_000]) {
    link.window.holdBack();
    link.timed(230, link.size);
    assert.equal(link.size, size);
  }
});

Deno.test("DelayWindow doubles only after a whole window without a wait", () => {
  const link = new Link();
  for (let i = 0; i < 10; i++) {
    link.window.holdBack();
    // A slow link takes a little at once now and then.
    link.timed(1, 45_000);
    assert.equal(link.size, 100_000);
    link.timed(70, 55_000);
    assert.equal(link.size, 100_000);
  }
  link.window.holdBack();
  link.timed(1, 45_000);
  link.timed(40, 54_999);
  assert.equal(link.size, 100_000);
  link.timed(40, 1);
  assert.equal(link.size, 200_000);
});

Deno.test("DelayWindow becomes what is taken in the shortest time and a tenth of a second", () => {
  const link = new Link();
  link.timed(200, 1_000);
  link.timed(400, 80_000);
  assert.equal(link.size, 200 * 300);
  link.timed(400, 1_000_000);
  assert.equal(link.size, 200 * 300, "it does not grow by that");
  for (let i = 0; i < 7; i++) link.timed(1_000, 100);
  assert.equal(link.size, 200 * 300, "one fast answer of eight counts");
  link.timed(1_000, 100);
  assert.equal(link.size, 10_000);
});
