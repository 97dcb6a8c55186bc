import assert from "node:assert/strict";
import { PeerKey } from "../../../lib/server/cluster/peer_key.ts";
import { PeerProofs } from "../../../lib/server/cluster/peer_proof.ts";

const KEY = "k".repeat(32);
const NODE = "http://10.0.0.1:8000";
const PATH = "/peer/client/job-1?address=192.0.2.1";

function pair(now = { value: 1_790_000_000_000 }) {
  const proofs = () => new PeerProofs({ key: new PeerKey(KEY).proofKey, now: () => now.value });
  return { now, from: proofs(), to: proofs() };
}

Deno.test("a proof is good for one request to one node", () => {
  const { from, to } = pair();
  const proof = from.make(NODE, PATH);
  for (const [node, path] of [[`${NODE}1`, PATH], [NODE, `${PATH}1`]] as const) {
    assert.match(to.refuse(node, path, proof)!, /no valid proof of a node/);
  }
  assert.equal(to.refuse(NODE, PATH, proof), undefined);
  assert.match(to.refuse(NODE, PATH, proof)!, /used before/);
  assert.equal(to.refuse(NODE, PATH, from.make(NODE, PATH)), undefined);
});

Deno.test("a proof is good for half a minute, before and after its time", () => {
  const { now, from, to } = pair();
  const proof = from.make(NODE, PATH);
  const made = now.value;
  for (const off of [-30_001, 30_001]) {
    now.value = made + off;
    assert.match(to.refuse(NODE, PATH, proof)!, /check the clocks of the nodes/);
  }
  now.value = made + 30_000;
  assert.equal(to.refuse(NODE, PATH, proof), undefined);
});

Deno.test("a proof of another key, a changed one and none are refused", () => {
  const { now, from, to } = pair();
  const other = new PeerProofs({ key: new PeerKey(`${KEY}1`).proofKey, now: () => now.value });
  const good = from.make(NODE, PATH);
  for (const proof of [null, "", "x", other.make(NODE, PATH), `${good}x`, `1${good}`]) {
    assert.match(to.refuse(NODE, PATH, proof)!, /no valid proof of a node/);
  }
});

Deno.test("numbers of proofs are forgotten once the proofs are too old", () => {
  const { now, from, to } = pair();
  for (let i = 0; i < 100; i++) {
    assert.equal(to.refuse(NODE, PATH, from.make(NODE, PATH)), undefined);
    now.value += 61_000;
  }
});
