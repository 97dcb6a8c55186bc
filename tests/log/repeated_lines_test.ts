import assert from "node:assert/strict";
import type { Log, LogFields } from "../../lib/log/log.ts";
import { RepeatedLines } from "../../lib/log/repeated_lines.ts";

function world() {
  const clock = { now: 0 };
  const written: [string, LogFields?][] = [];
  const log = { warn: (event, fields) => written.push([event, fields]) } as Partial<Log> as Log;
  return { clock, written, lines: new RepeatedLines(log, () => clock.now) };
}

Deno.test("RepeatedLines writes the first line of a kind, then how many more there were", () => {
  const { clock, written, lines } = world();
  for (let i = 0; i < 1_235; i++) lines.warn("a", "refused", { address: "a" }, { id: `job-${i}` });
  lines.warn("b", "refused", { address: "b" });
  assert.deepEqual(written.splice(0), [
    ["refused", { address: "a", id: "job-0" }],
    ["refused", { address: "b" }],
  ]);
  clock.now += 60_000;
  lines.flush();
  assert.deepEqual(written.splice(0), [
    ["refused, more in the last minute", { address: "a", count: 1_234 }],
  ]);
  lines.warn("a", "refused", { address: "a" });
  assert.deepEqual(written, [], "the flood goes on");
  clock.now += 60_000;
  lines.flush();
  clock.now += 60_000;
  lines.flush();
  assert.deepEqual(written.splice(0), [
    ["refused, more in the last minute", { address: "a", count: 1 }],
  ]);
  lines.warn("a", "refused", { address: "a" });
  assert.deepEqual(written, [["refused", { address: "a" }]]);
});

Deno.test("RepeatedLines counts together what comes of very many kinds", () => {
  const { clock, written, lines } = world();
  for (let i = 0; i < 5_000; i++) lines.warn(`${i}`, "refused", { address: `${i}` });
  assert.equal(written.splice(0).length, 1_000);
  clock.now += 60_000;
  lines.warn("x", "refused", { address: "x" });
  assert.deepEqual(written, [
    ["refused, more in the last minute", { count: 4_000 }],
  ]);
});
