/**
 * What people write for the same path with npm:ws: `listen PORT` passes each websocket on to a TCP
 * port, `connect URL` is a ProxyCommand of ssh. Flow control is ws' own streams.
 *
 * @module
 */
import { createConnection } from "node:net";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";

const [command, argument] = Deno.args;

if (command === "listen") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("listening", () => console.log((server.address() as { port: number }).port));
  server.on("connection", (socket) => {
    const [near, far] = [createWebSocketStream(socket), createConnection(Number(argument))];
    // A connection that breaks is the client's business.
    pipeline(near, far, near).catch(() => socket.terminate());
  });
} else {
  const stream = createWebSocketStream(new WebSocket(argument!, { perMessageDeflate: false }));
  await Promise.all([pipeline(process.stdin, stream), pipeline(stream, process.stdout)])
    .catch(() => {});
  process.exit();
}
