import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type FlowMessage, MESSAGE_COST } from "../../../lib/protocol/messages.ts";
import { startTestServer } from "../../support/server.ts";
import { pairUp, TestAgent, type TestSocket } from "../../support/test_socket.ts";

const MESSAGE = 16_384;
const FLOW = { halfClose: true, flow: true };

/** The next report. */
async function nextReport(data: TestSocket): Promise<number> {
  const { type, taken } = await data.nextMessage<FlowMessage>();
  assert.equal(type, "flow");
  return taken;
}

Deno.test("an agent that asks for it is told what a client has taken, and is never stuck for it", async () => {
  await using server = await startTestServer({ maxBuffer: 2 ** 20 });
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent, { halfClose: true }, FLOW);
  const bytes = randomBytes(4 * 2 ** 20);
  const got = pair.client.bytes(bytes.length);
  let [sent, taken] = [0, 0];
  for (let at = 0; at < bytes.length; at += MESSAGE) {
    // As agents do with the smallest window.
    while (sent + MESSAGE - taken > 32_768) taken = await nextReport(pair.data);
    pair.data.send(bytes.subarray(at, at + MESSAGE));
    sent += MESSAGE + MESSAGE_COST;
    assert.ok(taken <= sent);
  }
  assert.ok(bytes.equals(await got));
});

Deno.test("a client that takes nothing is not reported to have, and is once it takes", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent, { halfClose: true }, FLOW);
  pair.client.socket.pause();
  // More than the kernel takes for the client.
  const count = 800;
  for (let i = 0; i < count; i++) pair.data.send(new Uint8Array(MESSAGE));
  await pair.data.settled();
  const sent = count * (MESSAGE + MESSAGE_COST);
  // What the kernel takes may be too little for a report.
  let taken = 0;
  while (pair.data.pending > 0) taken = await nextReport(pair.data);
  assert.ok(taken < sent, `${taken}`);
  pair.client.socket.resume();
  while (sent - taken >= 16_384) {
    const next = await nextReport(pair.data);
    assert.ok(next > taken && next <= sent, `${next} after ${taken}, ${sent} sent`);
    taken = next;
  }
  await pair.client.bytes(count * MESSAGE);
});

Deno.test("interactive sessions get no reports, and old agents none at all", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  for (const [flow, count, length] of [[true, 10, 100], [undefined, 100, MESSAGE]] as const) {
    await using pair = await pairUp(agent, { halfClose: true }, { halfClose: true, flow });
    for (let i = 0; i < count; i++) pair.data.send(new Uint8Array(length));
    await pair.client.bytes(count * length);
    pair.client.send(new Uint8Array([7]));
    assert.deepEqual(await pair.data.next(), new Uint8Array([7]));
  }
});
