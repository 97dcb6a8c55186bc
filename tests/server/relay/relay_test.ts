import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Backlog } from "../../../lib/server/relay/backlog.ts";
import type { PeerRole, PeerSocket } from "../../../lib/server/relay/peer_socket.ts";
import { Relay } from "../../../lib/server/relay/relay.ts";
import { CloseCode } from "../../../lib/protocol/messages.ts";
import { startTestServer } from "../../support/server.ts";
import { pairUp, TestAgent } from "../../support/test_socket.ts";

/** Sends all of `bytes` in frames of `size`. */
function sendAll(socket: { send(bytes: Uint8Array): void }, bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) socket.send(bytes.subarray(at, at + size));
}

const OPEN = { halfClose: false };

Deno.test("relay: 10 MB of random bytes are the same at the other end, both ways at once", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  const up = randomBytes(10_000_000);
  const down = randomBytes(10_000_000);
  sendAll(pair.client, up, 32_768);
  sendAll(pair.data, down, 50_000);
  const [gotUp, gotDown] = await Promise.all([
    pair.data.bytes(up.length),
    pair.client.bytes(down.length),
  ]);
  assert.ok(up.equals(gotUp));
  assert.ok(down.equals(gotDown));
});

Deno.test("relay: the platform's own WebSocket works as a client", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  const client = new WebSocket(`${server.ws}/client/job`);
  client.binaryType = "arraybuffer";
  await new Promise((resolve) => client.onopen = resolve);
  assert.equal((await data.nextMessage()).type, "paired");
  client.send(new TextEncoder().encode("up"));
  assert.equal(new TextDecoder().decode(await data.bytes(2)), "up");
  const got = new Promise<MessageEvent>((resolve) => client.onmessage = resolve);
  data.send(new TextEncoder().encode("down"));
  assert.equal(new TextDecoder().decode((await got).data), "down");
  const closed = new Promise<CloseEvent>((resolve) => client.onclose = resolve);
  data.close();
  assert.equal((await closed).code, 1000);
});

Deno.test("relay: an end of file in one direction leaves the other one open", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  pair.client.send(new Uint8Array(3));
  pair.client.send("eof");
  assert.deepEqual(await pair.data.next(), new Uint8Array(3));
  assert.equal(await pair.data.next(), "eof");
  pair.data.send(new Uint8Array(5));
  assert.deepEqual(await pair.client.next(), new Uint8Array(5));
  pair.data.send("eof");
  assert.deepEqual(await pair.client.closed, { code: 1000, reason: "" });
  assert.deepEqual(await pair.data.closed, { code: 1000, reason: "" });
  const gone = await server.logged("client gone");
  assert.deepEqual([gone.toAgent, gone.toClient], [3, 5]);
});

Deno.test("relay: an end of file becomes a clean close for a peer that knows no other", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent, OPEN);
  pair.data.send(new Uint8Array(7));
  pair.data.send("eof");
  assert.deepEqual(await pair.client.next(), new Uint8Array(7));
  assert.deepEqual(await pair.client.closed, { code: 1000, reason: "" });
  assert.equal((await pair.data.closed).code, 1000);
});

for (const closing of ["client", "data"] as const) {
  const other = closing === "client" ? "data" : "client";
  Deno.test(`relay: a clean close by the ${closing} side comes after all bytes`, async () => {
    await using server = await startTestServer();
    await using agent = await TestAgent.register(server.ws, "job");
    await using pair = await pairUp(agent);
    const bytes = randomBytes(10_000_000);
    sendAll(pair[closing], bytes, 65_536);
    pair[closing].close();
    assert.ok(bytes.equals(await pair[other].bytes(bytes.length)));
    assert.deepEqual(await pair[other].closed, { code: 1000, reason: "" });
  });

  Deno.test(`relay: a lost ${closing} side is told to the other`, async () => {
    await using server = await startTestServer();
    await using agent = await TestAgent.register(server.ws, "job");
    await using pair = await pairUp(agent);
    const side = closing === "client" ? "client" : "agent";
    pair[closing].socket.terminate();
    const { code, reason } = await pair[other].closed;
    assert.equal(code, CloseCode.peerLost);
    assert.equal(reason, `the ${side} was lost`);
    await server.logged("client cut off", { label: `${side}-lost` });
  });

  Deno.test(`relay: a slow ${other} side takes all before the close by the ${closing}`, async () => {
    await using server = await startTestServer();
    await using agent = await TestAgent.register(server.ws, "job");
    await using pair = await pairUp(agent);
    pair[other].socket.pause();
    const bytes = randomBytes(12_000_000);
    sendAll(pair[closing], bytes, 65_536);
    pair[closing].close();
    await pair[closing].closed;
    pair[other].socket.resume();
    assert.ok(bytes.equals(await pair[other].bytes(bytes.length)));
    assert.equal((await pair[other].closed).code, 1000);
  });

  Deno.test(`relay: a ${other} side that does not read ends the pair with a reason`, async () => {
    await using server = await startTestServer({ maxBuffer: 2 ** 20 });
    await using agent = await TestAgent.register(server.ws, "job");
    await using pair = await pairUp(agent);
    pair[other].socket.pause();
    const side = other === "client" ? "client" : "agent";
    const sending = (async () => {
      const chunk = new Uint8Array(65_536);
      while (pair[closing].socket.readyState === WebSocket.OPEN) {
        await new Promise((resolve) => pair[closing].socket.send(chunk, resolve));
      }
    })();
    // What is still on its way when the server closes may swallow the close frame.
    const { code } = await pair[closing].closed;
    assert.ok([CloseCode.receiverTooSlow as number, 1006].includes(code), `${code}`);
    await sending;
    pair[other].socket.resume();
    const reason = `the ${side} fell further behind than --max-buffer allows`;
    assert.deepEqual(await pair[other].closed, { code: CloseCode.receiverTooSlow, reason });
    await server.logged("client cut off", { label: "too-slow", reason });
  });
}

Deno.test("relay: many tiny messages to a side that does not read are counted for what they cost", async () => {
  await using server = await startTestServer({ maxBuffer: 2 ** 20 });
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  pair.client.socket.pause();
  let sent = 0;
  while (pair.data.socket.readyState === WebSocket.OPEN) {
    await new Promise((resolve) => pair.data.socket.send(new Uint8Array(1), resolve));
    sent++;
  }
  assert.ok(sent < 5_000_000, `${sent} messages`);
  pair.client.socket.resume();
  assert.equal((await pair.client.closed).code, CloseCode.receiverTooSlow);
});

Deno.test("relay: text that is no end of file ends the pair with 1003", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  pair.client.send("hello");
  const { code, reason } = await pair.client.closed;
  assert.equal(code, CloseCode.unsupportedData);
  assert.match(reason, /binary frames/);
  assert.equal((await pair.data.closed).code, CloseCode.peerLost);
});

Deno.test("relay: an end of file from a peer that did not offer it ends the pair with 1003", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent, OPEN);
  pair.client.send("eof");
  assert.equal((await pair.client.closed).code, CloseCode.unsupportedData);
});

Deno.test("relay: bytes after an end of file end the pair with 1008", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  pair.client.send("eof");
  pair.client.send(new Uint8Array(1));
  assert.equal((await pair.client.closed).code, CloseCode.policyViolation);
});

Deno.test("relay: a message that is too long ends the pair", async () => {
  await using server = await startTestServer({ maxBuffer: 2 ** 20 });
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  pair.client.send(new Uint8Array(2 ** 20 + 1));
  assert.equal((await pair.client.closed).code, CloseCode.receiverTooSlow);
  assert.equal((await pair.data.closed).code, CloseCode.receiverTooSlow);
});

Deno.test("relay: one client never sees another's bytes", async () => {
  await using server = await startTestServer();
  await using agent = await TestAgent.register(server.ws, "job");
  await using stack = new AsyncDisposableStack();
  const pairs = [];
  for (let i = 0; i < 20; i++) pairs.push(stack.use(await pairUp(agent)));
  const bytes = pairs.map(() => randomBytes(100_000));
  pairs.forEach(({ client, data }, i) => {
    sendAll(client, bytes[i]!, 1_000);
    sendAll(data, bytes[i]!, 999);
  });
  for (const [i, { client, data }] of pairs.entries()) {
    assert.ok(bytes[i]!.equals(await client.bytes(100_000)));
    assert.ok(bytes[i]!.equals(await data.bytes(100_000)));
  }
});

Deno.test("relay: receivers that are behind together end the pair that sends more", async () => {
  await using server = await startTestServer({ maxBuffer: 2 ** 20 });
  assert.equal(server.load().bufferLimit, 64 * 2 ** 20);
  const backlog = new Backlog(1_000);
  const roles: PeerRole[] = [];
  const closed: string[] = [];
  const peer = () =>
    ({
      behind: 0,
      halfClose: true,
      handTo: (role: PeerRole) => void roles.push(role),
      send: () => {},
      close: (_code: number, reason: string) => void closed.push(reason),
    }) as unknown as PeerSocket;
  new Relay(peer(), peer(), [], { maxBuffer: 2 ** 20, backlog, flow: false });
  roles[1]!.message(new ArrayBuffer(10));
  assert.deepEqual(closed, []);
  backlog.bytes = 1_001;
  roles[1]!.message(new ArrayBuffer(10));
  assert.match(closed[0]!, /^all receivers together/);
});
