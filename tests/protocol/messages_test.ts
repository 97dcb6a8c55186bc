import assert from "node:assert/strict";
import {
  type AgentHello,
  MAX_MESSAGE_LENGTH,
  parseMessage,
  ProtocolError,
  versionMismatch,
} from "../../lib/protocol/messages.ts";

const park = { type: "park", protocol: 1, resume: "secret" };

Deno.test("parseMessage() reads what is expected", () => {
  assert.deepEqual(parseMessage<AgentHello>(JSON.stringify(park), "register", "park"), park);
});

for (
  const [what, data] of [
    ["a binary frame", new ArrayBuffer(2)],
    ["no JSON", "{"],
    ["null", "null"],
    ["an array", "[]"],
    ["another type", JSON.stringify({ type: "status", clients: [] })],
    ["an inherited name for a type", JSON.stringify({ type: "constructor" })],
    ["a field of another kind", JSON.stringify({ ...park, resume: 1 })],
    ["a missing field", JSON.stringify({ type: "park", protocol: 1 })],
    [
      "null for an object",
      JSON.stringify({ type: "register", protocol: 1, version: "", facts: null }),
    ],
    ["an oversized message", JSON.stringify({ ...park, pad: "x".repeat(MAX_MESSAGE_LENGTH) })],
  ] as const
) {
  Deno.test(`parseMessage() refuses ${what}`, () => {
    assert.throws(() => parseMessage<AgentHello>(data, "register", "park"), ProtocolError);
  });
}

Deno.test("versionMismatch() says which side to update", () => {
  assert.equal(versionMismatch(1, 1), undefined);
  assert.match(versionMismatch(1, 2)!, /download the agent again/);
  assert.match(versionMismatch(2, 1)!, /update the server/);
});
