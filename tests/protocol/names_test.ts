import assert from "node:assert/strict";
import { isRendezvousId, isUsername, makeRendezvousId } from "../../lib/protocol/names.ts";

Deno.test("isRendezvousId() follows the grammar", () => {
  for (const id of ["a", "7", "Job-1.2_x", "x".repeat(64)]) assert.ok(isRendezvousId(id), id);
  for (const id of ["", "-a", ".a", "a/b", "a b", "a\n", "ä", "x".repeat(65)]) {
    assert.ok(!isRendezvousId(id), JSON.stringify(id));
  }
});

Deno.test("makeRendezvousId() makes valid IDs of 80 random bits", () => {
  const all = Uint8Array.from({ length: 16 }, (_, i) => i * 2 + 1);
  assert.equal(makeRendezvousId(all), "bdfhjmprtvxz3579");
  const ids = new Set(Array.from({ length: 100 }, () => makeRendezvousId()));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.ok(isRendezvousId(id) && id.length === 16);
});

Deno.test("isUsername() takes what no shell reads as anything else", () => {
  for (const name of ["ann", "_x", "a.b-C_9", "x".repeat(32)]) assert.ok(isUsername(name), name);
  for (const name of ["", "-o", "9a", "a b", "a;b", "$a", "ann\n", "x".repeat(33)]) {
    assert.ok(!isUsername(name), JSON.stringify(name));
  }
});
