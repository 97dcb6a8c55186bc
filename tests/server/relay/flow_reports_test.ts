/** The server tells an agent how much its client has taken. */
import assert from "node:assert/strict";
import { MESSAGE_COST, PROTOCOL_VERSION } from "../../../lib/protocol/messages.ts";
import { startTestServer } from "../../support/server.ts";
import { TestAgent, TestSocket } from "../../support/test_socket.ts";

/** A data connection of an agent, and the client that it is paired with. */
async function pair(agent: TestAgent, base: string, fields: object) {
  const data = await TestSocket.open(`${base}/agent/job`, { halfClose: true });
  const park = {
    type: "park",
    protocol: PROTOCOL_VERSION,
    resume: agent.registered.resume,
    ...fields,
  };
  data.send(park);
  const client = await TestSocket.open(`${base}/client/job`, { halfClose: true });
  const paired = await data.nextMessage();
  return { data, client, paired };
}

Deno.test("an agent that asks for reports hears what its client has taken, and no more", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const { data, client, paired } = await pair(agent, server.ws, { flow: true });
  await using _data = data;
  await using _client = client;
  assert.equal(paired.flow, true);
  const [count, size] = [10, 32_768];
  for (let i = 0; i < count; i++) data.send(new Uint8Array(size));
  await client.bytes(count * size);
  let taken = 0;
  // Less than 16 KiB may go unreported.
  while (taken < count * size - 16_384) {
    const report = await data.nextMessage<{ type: string; taken: number }>();
    assert.equal(report.type, "flow");
    assert.ok(report.taken > taken && report.taken <= count * (size + MESSAGE_COST));
    taken = report.taken;
  }
});

Deno.test("an agent of before gets no reports", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const { data, client, paired } = await pair(agent, server.ws, {});
  await using _data = data;
  await using _client = client;
  assert.equal(paired.flow, undefined);
  data.send(new Uint8Array(200_000));
  await client.bytes(200_000);
  client.send(new Uint8Array([7]));
  assert.deepEqual(await data.next(), new Uint8Array([7]));
});
