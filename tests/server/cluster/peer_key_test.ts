import assert from "node:assert/strict";
import { isRendezvousId } from "../../../lib/protocol/names.ts";
import { PeerKey } from "../../../lib/server/cluster/peer_key.ts";

Deno.test("nodes know the IDs that nodes have made, and nobody else can make one", () => {
  const [key, same, other] = ["k", "k", "o"].map((text) => new PeerKey(text.repeat(32))) as [
    PeerKey,
    PeerKey,
    PeerKey,
  ];
  const id = key.makeId();
  assert.ok(isRendezvousId(id));
  assert.ok(same.hasMade(id));
  assert.ok(!other.hasMade(id));
  assert.ok(!key.hasMade(`${id.slice(0, -1)}${id.endsWith("a") ? "b" : "a"}`));
  assert.ok(!key.hasMade("job-1"));
  assert.notEqual(key.makeId(), id);
});

Deno.test("each purpose has a key of its own", () => {
  const { resumeKey, proofKey } = new PeerKey("k".repeat(32));
  assert.equal(resumeKey.length, 32);
  assert.notDeepEqual(resumeKey, proofKey);
  assert.deepEqual(new PeerKey("k".repeat(32)).resumeKey, resumeKey);
});
