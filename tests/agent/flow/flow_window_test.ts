import assert from "node:assert/strict";
import { FlowWindow } from "../../../lib/agent/flow/flow_window.ts";

const MOST = 2 * 1024 * 1024;

/** Sends what there is room for now, without waiting. */
async function fill(window: FlowWindow): Promise<void> {
  for (;;) {
    const room = window.room();
    const length = await Promise.race([room, Promise.resolve().then(() => undefined)]);
    if (length === undefined) return void room;
    window.sent(length);
  }
}

/** A link that takes `rate` bytes a millisecond, and has reports come back after `delay`. */
async function over(rate: number, delay: number, rounds: number): Promise<FlowWindow> {
  let now = 0, taken = 0;
  const window = new FlowWindow(() => now);
  for (let round = 0; round < rounds; round++) {
    await fill(window);
    assert.ok(window.inFlight <= MOST, `${window.inFlight} on the way`);
    now += delay;
    const waiting = window.inFlight;
    taken += Math.min(waiting, rate * delay);
    window.report({ taken });
  }
  return window;
}

Deno.test("FlowWindow grows to 2 MiB and no further where nothing waits", async () => {
  const window = await over(Infinity, 10, 50);
  assert.equal(window.size, MOST);
});

Deno.test("FlowWindow has little on its way over a slow link", async () => {
  let now = 0;
  const window = new FlowWindow(() => now);
  let total = 0, taken = 0;
  // 100 bytes a millisecond: what is sent waits for what was sent before.
  for (; now < 60_000; now += 10) {
    const before = window.inFlight;
    await fill(window);
    total += window.inFlight - before;
    taken = Math.min(total, taken + 1_000);
    window.report({ taken });
  }
  assert.ok(window.size <= 64 * 1024, `${window.size}`);
});

Deno.test("FlowWindow takes no report for more than was sent, nor for less than before", async () => {
  const window = new FlowWindow(() => 0);
  window.sent(await window.room());
  const { inFlight } = window;
  window.report({ taken: 1e9 });
  assert.equal(window.inFlight, 0);
  window.report({ taken: -1e9 });
  assert.equal(window.inFlight, 0);
  assert.ok(inFlight > 0);
});

Deno.test("FlowWindow lets nobody wait after its end", async () => {
  const window = new FlowWindow(() => 0);
  await fill(window);
  const waiting = window.room();
  window.end();
  assert.ok(await waiting > 0);
});
