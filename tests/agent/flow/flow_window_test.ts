import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { FlowWindow } from "../../../lib/agent/flow/flow_window.ts";
import { MESSAGE_COST } from "../../../lib/protocol/messages.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** How a client takes what is sent. */
interface Link {
  /** In bytes a millisecond. */
  rate: number;
  /** Until a report is there, besides the time that the bytes take, in milliseconds. */
  delay: number;
  /** Bytes of a report; what is less stays unreported. */
  report: number;
}

/** Sends `bytes` over a link whose time is computed. */
async function send(bytes: number, { rate, delay, report }: Link) {
  let now = 0, freeAt = 0, sent = 0, left = bytes, mostInFlight = 0;
  const window = new FlowWindow(() => now);
  const reports: { at: number; taken: number }[] = [];
  let reported = 0;
  const sending = (async () => {
    while (left > 0) {
      // All sizes, the same in each run: a window follows what it has seen.
      const length = Math.min(await window.room(), left, 1 + sent * 7_919 % 200_000);
      window.sent(length);
      left -= length;
      sent += length + MESSAGE_COST;
      freeAt = Math.max(freeAt, now) + length / rate;
      if (sent - reported >= report) {
        reports.push({ at: freeAt + delay, taken: sent });
        reported = sent;
      }
      mostInFlight = Math.max(mostInFlight, window.inFlight);
    }
  })();
  while (left > 0) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    const next = reports.shift();
    if (next === undefined) break;
    now = next.at;
    window.report(next);
  }
  assert.equal(left, 0, "stuck");
  await sending;
  return { mostInFlight, size: window.size, milliseconds: freeAt };
}

Deno.test("over any link all is sent, with no more than 2 MiB on its way", async () => {
  for (let run = 0; run < 200; run++) {
    const link = {
      rate: 10 ** (randomInt(0, 6000) / 1000),
      delay: randomInt(0, 500),
      report: randomInt(1, 16 * KIB),
    };
    const { mostInFlight } = await send(8 * MIB, link);
    assert.ok(mostInFlight <= 2 * MIB, `${mostInFlight} for ${JSON.stringify(link)}`);
  }
});

Deno.test("over a slow link little is on its way, over a long fast one enough", async () => {
  const report = 16 * KIB;
  assert.ok((await send(4 * MIB, { rate: 100, delay: 1, report })).size <= 64 * KIB);
  // Twice what 1 MB/s takes in the tenth of a second that bytes may wait.
  const slow = await send(20 * MIB, { rate: 1000, delay: 1, report });
  assert.ok(slow.size < 200 * KIB, `${slow.size}`);
  assert.equal((await send(200 * MIB, { rate: 50_000, delay: 40, report })).size, 2 * MIB);
});

Deno.test("a link is not idle while there is something to send", async () => {
  for (const [rate, delay] of [[100, 200], [1000, 200], [5000, 200], [50_000, 1]] as const) {
    const bytes = 100_000 * Math.sqrt(rate) * 10;
    const { milliseconds } = await send(bytes, { rate, delay, report: 16 * KIB });
    const least = bytes / rate;
    assert.ok(milliseconds < 1.5 * least, `${rate}: ${milliseconds} ms instead of ${least}`);
  }
});

Deno.test("wrong reports do not widen the window", async () => {
  const window = new FlowWindow();
  for (const taken of [-1, 1e9, Infinity, 5]) {
    const length = await window.room();
    window.sent(length);
    window.report({ taken });
    assert.ok(window.inFlight >= 0 && window.inFlight <= window.size, `${window.inFlight}`);
  }
});

Deno.test("nothing waits once it has ended", async () => {
  const window = new FlowWindow();
  while (window.inFlight < 40 * KIB) window.sent(await window.room());
  const waiting = window.room();
  window.end();
  await waiting;
  await window.room();
});
