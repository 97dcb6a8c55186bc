import assert from "node:assert/strict";
import { closeReason } from "../../lib/protocol/close_reason.ts";

Deno.test("closeReason() cuts to 123 bytes, and no character in two", () => {
  assert.equal(closeReason("the agent is gone"), "the agent is gone");
  assert.equal(closeReason("x".repeat(200)), "x".repeat(123));
  assert.equal(closeReason("ü".repeat(100)), "ü".repeat(61));
  assert.equal(closeReason("x" + "😀".repeat(40)), "x" + "😀".repeat(30));
});
