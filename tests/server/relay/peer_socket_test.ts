import assert from "node:assert/strict";
import { Backlog } from "../../../lib/server/relay/backlog.ts";
import { PeerSocket } from "../../../lib/server/relay/peer_socket.ts";
import { TestSocket } from "../../support/test_socket.ts";

Deno.test("what is sent before the upgrade is through arrives, and so does the close", async () => {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(options, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    const connection = new PeerSocket(socket, {
      address: "",
      halfClose: false,
      backlog: new Backlog(1_000),
    });
    connection.send("hello");
    connection.close(4000, "bye");
    return response;
  });
  await using client = await TestSocket.open(`ws://127.0.0.1:${server.addr.port}`);
  assert.equal(await client.next(), "hello");
  assert.deepEqual(await client.closed, { code: 4000, reason: "bye" });
});
