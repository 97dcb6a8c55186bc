/** Both ends of a link between nodes, each with a raw or a real websocket at its other end. */
import assert from "node:assert/strict";
import { MESSAGE_COST } from "../../../lib/protocol/messages.ts";
import { LinkSocket, ReportedSocket } from "../../../lib/server/cluster/link_socket.ts";
import { writeAll } from "../../../lib/wire/raw_connection.ts";
import { nextTurn } from "../../../lib/wire/turn.ts";
import { connectWebSocket } from "../../../lib/wire/websocket/websocket.ts";
import { serverFrame, startRawServer, upgrade } from "../../support/raw_websocket_server.ts";

const text = new TextEncoder();

Deno.test("what comes with the answer to the upgrade waits until the link is joined", async () => {
  const closed = Promise.withResolvers<void>();
  await using node = startRawServer(async (conn) => {
    await upgrade(conn, serverFrame(2, "SSH-2.0"), serverFrame(1, "eof"), serverFrame(8, ""));
    await closed.promise;
  });
  const socket = new LinkSocket(await connectWebSocket(node.url));
  // As long as it takes to come, and to be lost if nobody kept it.
  await nextTurn();
  const got: string[] = [];
  const end = Promise.withResolvers<number>();
  socket.onmessage = ({ data }) => {
    got.push(typeof data === "string" ? data : new TextDecoder().decode(data));
  };
  socket.onclose = ({ code }) => end.resolve(code);
  socket.start();
  assert.equal(await end.promise, 1000);
  assert.deepEqual(got, ["SSH-2.0", "eof"]);
  assert.equal(socket.readyState, WebSocket.CLOSED);
  closed.resolve();
});

Deno.test("a link gives out the bytes of a message as they come", async () => {
  const whole = serverFrame(2, new Uint8Array(300_000).fill(1));
  const [joined, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using node = startRawServer(async (conn) => {
    await upgrade(conn);
    await joined.promise;
    await writeAll(conn, whole.subarray(0, 1_000));
    await first.promise;
    await writeAll(conn, whole.subarray(1_000));
    await writeAll(conn, serverFrame(8, Uint8Array.of(4_003 >> 8, 4_003 & 255)));
    await conn.read(new Uint8Array(100));
  });
  const socket = new LinkSocket(await connectWebSocket(node.url));
  let length = 0;
  const end = Promise.withResolvers<number>();
  socket.onmessage = ({ data }) => {
    length += data.length;
    first.resolve();
  };
  socket.onclose = ({ code }) => end.resolve(code);
  socket.start();
  joined.resolve();
  assert.equal(await end.promise, 4_003);
  assert.equal(length, 300_000);
});

Deno.test("reports of bytes become reports of the agent's messages", async () => {
  const accepted = Promise.withResolvers<ReportedSocket>();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(options, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    accepted.resolve(new ReportedSocket(socket));
    return response;
  });
  const node = await connectWebSocket(new URL(`ws://127.0.0.1:${server.addr.port}`));
  const socket = await accepted.promise;
  const taken: number[] = [];
  const said = Promise.withResolvers<unknown>();
  const ended = Promise.withResolvers<void>();
  socket.onTaken = (count) => taken.push(count);
  socket.onmessage = ({ data }) => said.resolve(data);
  socket.onclose = () => ended.resolve();
  for (const length of [20_000, 30_000, 100]) socket.send(new Uint8Array(length).buffer);
  socket.send("text does not count");
  assert.equal(socket.bufferedAmount, 50_100);
  for (const count of [19_999, 20_000, 49_000, 20_000, 50_000, 1_000_000]) {
    await node.send(`{"type":"flow","taken":${count}}`);
  }
  await node.send(text.encode("a client's bytes"));
  assert.equal(new TextDecoder().decode(await said.promise as ArrayBuffer), "a client's bytes");
  // The last message is too little for a report.
  assert.deepEqual(taken, [20_000 + MESSAGE_COST, 50_000 + 2 * MESSAGE_COST]);
  assert.equal(socket.bufferedAmount, 0);
  node.close();
  await ended.promise;
});
