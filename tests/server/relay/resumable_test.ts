import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  CloseCode,
  HALF_CLOSE_SUBPROTOCOL,
  RESUME_SUBPROTOCOL,
} from "../../../lib/protocol/messages.ts";
import { connectWebSocket } from "../../../lib/wire/websocket/websocket.ts";
import { startTestServer } from "../../support/server.ts";
import { pairUp, TestAgent, TestSocket } from "../../support/test_socket.ts";

const RESUMABLE = { resumable: true };
const CAN_RESUME = { halfClose: true, canResume: true };
const OPEN = JSON.stringify({ type: "open" });

/** A client that offers to resume, and an agent's connection, before anything is said. */
async function start(base: string, canResume: boolean) {
  const agent = await TestAgent.register(base, "job");
  const data = await agent.park({ halfClose: true, canResume });
  const client = await TestSocket.open(`${base}/client/job`, RESUMABLE);
  return {
    client,
    data,
    paired: await data.nextMessage(),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a client that offers to resume gets that subprotocol, any other what it got before", async () => {
  await using server = await startTestServer();
  const url = `${server.ws}/client/job?wait=5m`;
  await using resumable = await TestSocket.open(url, RESUMABLE);
  await using halfClose = await TestSocket.open(url, { halfClose: true });
  await using plain = await TestSocket.open(url);
  assert.deepEqual([resumable, halfClose, plain].map(({ socket }) => socket.protocol), [
    RESUME_SUBPROTOCOL,
    HALF_CLOSE_SUBPROTOCOL,
    "",
  ]);
  const protocols = [HALF_CLOSE_SUBPROTOCOL, RESUME_SUBPROTOCOL];
  const own = await connectWebSocket(new URL(url), { protocols });
  assert.equal(own.protocol, RESUME_SUBPROTOCOL);
  own.close();
  await own.closed;
});

Deno.test("two resumable ends: text and bytes are passed on both ways, in order", async () => {
  await using server = await startTestServer();
  await using pair = await start(server.ws, true);
  const { client, data } = pair;
  assert.deepEqual(pair.paired, {
    type: "paired",
    client: { key: 1, address: "127.0.0.1" },
    resumable: true,
  });
  const bytes = randomBytes(100_000);
  for (const [from, to] of [[client, data], [data, client]] as const) {
    from.send(OPEN);
    from.send(bytes);
    from.send("eof");
    from.send("x".repeat(4_096));
    from.send(new Uint8Array(1));
    assert.equal(await to.next(), OPEN);
    assert.ok(bytes.equals(await to.bytes(bytes.length)));
    assert.equal(await to.next(), "eof");
    assert.equal(await to.next(), "x".repeat(4_096));
    assert.deepEqual(await to.next(), new Uint8Array(1));
  }
  assert.equal(server.load().resumable, 1);
  // Two ends of file are theirs, too: the server closes nothing.
  client.close();
  assert.deepEqual(await data.closed, { code: 1000, reason: "" });
  const gone = await server.logged("client gone");
  assert.deepEqual([gone.toAgent, gone.toClient], [100_001, 100_001]);
});

for (const [closing, other] of [["client", "data"], ["data", "client"]] as const) {
  Deno.test(`two resumable ends: a lost ${closing} side is told to the other`, async () => {
    await using server = await startTestServer();
    await using pair = await start(server.ws, true);
    pair[closing].socket.terminate();
    assert.equal((await pair[other].closed).code, CloseCode.peerLost);
  });

  Deno.test(`two resumable ends: a text frame of the ${closing} side that is too long ends both`, async () => {
    await using server = await startTestServer();
    await using pair = await start(server.ws, true);
    pair[closing].send("x".repeat(4_097));
    assert.equal((await pair[closing].closed).code, CloseCode.policyViolation);
    assert.equal((await pair[other].closed).code, CloseCode.peerLost);
  });
}

for (const type of ["flow", "draining"]) {
  Deno.test(`two resumable ends: a client cannot send "${type}" in the server's name`, async () => {
    await using server = await startTestServer();
    await using pair = await start(server.ws, true);
    pair.client.send(`{ "type": "ack", "type": "${type}", "taken": 1e9 }`);
    assert.equal((await pair.client.closed).code, CloseCode.policyViolation);
    assert.equal((await pair.data.closed).code, CloseCode.peerLost);
    assert.equal(pair.data.pending, 0);
  });
}

Deno.test("two resumable ends: text that a side does not take is counted as bytes are", async () => {
  await using server = await startTestServer({ maxBuffer: 2 ** 20 });
  await using pair = await start(server.ws, true);
  pair.client.socket.pause();
  while (pair.data.socket.readyState === WebSocket.OPEN) {
    await new Promise((resolve) => pair.data.socket.send("x", resolve));
  }
  pair.client.socket.resume();
  assert.equal((await pair.client.closed).code, CloseCode.receiverTooSlow);
});

Deno.test("an agent that cannot resume: the client is told, its request goes no further", async () => {
  await using server = await startTestServer();
  await using pair = await start(server.ws, false);
  const { client, data } = pair;
  assert.deepEqual(pair.paired, { type: "paired", client: { key: 1, address: "127.0.0.1" } });
  client.send(OPEN);
  assert.equal(await client.next(), "plain");
  client.send(new Uint8Array(3));
  client.send("eof");
  assert.deepEqual(await data.bytes(3), new Uint8Array(3));
  assert.equal(await data.next(), "eof");
  data.send(new Uint8Array(5));
  data.send("eof");
  assert.deepEqual(await client.bytes(5), new Uint8Array(5));
  assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  assert.deepEqual(await data.closed, { code: 1000, reason: "" });
});

Deno.test("an agent that cannot resume: only the first text is a request, also of one who waited", async () => {
  await using server = await startTestServer();
  await using client = await TestSocket.open(`${server.ws}/client/job?wait=5m`, RESUMABLE);
  client.send(OPEN);
  await server.logged("client waits");
  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  assert.equal((await data.nextMessage()).type, "paired");
  assert.equal(await client.next(), "plain");
  client.send(new Uint8Array(1));
  assert.deepEqual(await data.next(), new Uint8Array(1));
  client.send(OPEN);
  assert.equal((await client.closed).code, CloseCode.unsupportedData);
});

Deno.test("an agent that can resume and a client that does not ask for it: as ever", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent, { halfClose: true }, CAN_RESUME);
  pair.client.send("eof");
  pair.data.send("eof");
  assert.equal(await pair.data.next(), "eof");
  assert.deepEqual(await pair.client.closed, { code: 1000, reason: "" });
  assert.equal(server.load().resumable, 0);
});

Deno.test("draining: both ends of a resumable pair are told, others are not", async () => {
  const stop = new AbortController();
  await using server = await startTestServer({ drain: 60_000 }, { signal: stop.signal });
  await using pair = await start(server.ws, true);
  await using agent = await TestAgent.register(server.ws, "other");
  await using plain = await pairUp(agent);
  stop.abort();
  assert.deepEqual(await pair.client.nextMessage(), { type: "draining" });
  assert.deepEqual(await pair.data.nextMessage(), { type: "draining" });
  pair.client.send(new Uint8Array(2));
  assert.deepEqual(await pair.data.bytes(2), new Uint8Array(2));
  plain.data.send(new Uint8Array(1));
  assert.deepEqual(await plain.client.next(), new Uint8Array(1));
});

Deno.test("draining: streams that can go on elsewhere hold the server up for moments only", async () => {
  const stop = new AbortController();
  const dependencies = { signal: stop.signal, timing: { moveMs: 1 } };
  await using server = await startTestServer({ drain: 3_600_000 }, dependencies);
  await using pair = await start(server.ws, true);
  stop.abort();
  assert.deepEqual(await pair.client.nextMessage(), { type: "draining" });
  const { code } = await pair.client.closed;
  assert.equal(code, CloseCode.goingAway);
  await server.closed;
});
