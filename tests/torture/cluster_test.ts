import assert from "node:assert/strict";
import { requires } from "../support/requires.ts";
import { directoryRates, fleets, pairs } from "./cluster.ts";

const test = requires("redis-server");

test("20 agents at each of three nodes keep their IDs when a node is killed", async () => {
  const { lost } = await fleets(20);
  assert.ok(lost > 0);
});

test("pairs at one node and across two carry bytes both ways", async () => {
  const { acrossMs, acrossRate } = await pairs(1, 5);
  assert.ok(acrossMs > 0 && acrossRate > 0);
});

test("a directory is asked thousands of times", async () => {
  const { claims, renewals, finds } = await directoryRates(2_000);
  for (const rate of [claims, renewals, finds]) assert.ok(rate > 0);
});
