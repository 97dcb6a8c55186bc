import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Registration } from "../../../lib/agent/registration.ts";
import { createLog } from "../../../lib/log/log.ts";
import { PROTOCOL_VERSION } from "../../../lib/protocol/messages.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";
import { FACTS, TestSocket } from "../../support/test_socket.ts";
import { startTestServer } from "../../support/server.ts";
import { startWebSocketServer } from "../../support/websocket_server.ts";

/**
 * Registers an agent that serves each client so, as long as the client stays, until the scope is
 * left.
 */
function startAgent(server: string, serve: (stream: ByteStream) => Promise<void>) {
  const registered = Promise.withResolvers<void>();
  const done = new AbortController();
  const registration = new Registration({
    server: new URL(server),
    id: "job",
    facts: FACTS,
    tls: {},
    log: createLog({ write: () => {} }),
    onRegistered: () => registered.resolve(),
    onClient: (stream) => serve(stream).catch(() => {}),
  });
  const running = registration.run(done.signal);
  return {
    registered: registered.promise,
    async [Symbol.asyncDispose]() {
      done.abort();
      await running;
    },
  };
}

/** Sends all, then waits for the end of the client. */
async function give(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  await stream.write(bytes);
  await stream.end();
  while (await stream.read() !== null);
  stream.close();
}

/** Waits until `progress` stays as it is. */
async function settle(progress: () => number): Promise<void> {
  for (let idle = 0, last = -1; idle < 50; idle++) {
    await new Promise((resolve) => setTimeout(resolve));
    if (progress() !== last) idle = 0;
    last = progress();
  }
}

Deno.test("a client that pauses is not cut off, little waits for it, and it gets every byte", async () => {
  // Beyond the server's buffer, and beyond what kernels hold.
  const bytes = randomBytes(32 * 2 ** 20);
  await using server = await startTestServer({ maxBuffer: 8 * 2 ** 20 });
  let written = false;
  await using agent = startAgent(server.ws, async (stream) => {
    await give(stream, bytes);
    written = true;
  });
  await agent.registered;
  await using client = await TestSocket.open(`${server.ws}/client/job`, { halfClose: true });
  client.socket.pause();
  await settle(() => server.load().buffered);
  const { buffered } = server.load();
  assert.ok(buffered > 0 && buffered <= 2 * 2 ** 20, `${buffered}`);
  assert.equal(written, false);
  client.socket.resume();
  assert.ok(bytes.equals(await client.bytes(bytes.length)));
  assert.equal(await client.next(), "eof");
  client.send("eof");
  assert.equal((await client.closed).code, 1000);
});

Deno.test("a server that does not report is sent all at once, as ever", async () => {
  const bytes = randomBytes(8 * 2 ** 20);
  const got = Promise.withResolvers<Uint8Array>();
  let pairs = 0;
  await using server = startWebSocketServer({
    paths: {
      "/agent/job": (socket) => {
        const chunks: ArrayBuffer[] = [];
        socket.onmessage = ({ data }) => {
          if (typeof data !== "string") return void chunks.push(data);
          const { type } = JSON.parse(data === "eof" ? `{"type":"eof"}` : data);
          const common = { protocol: PROTOCOL_VERSION, version: "1", username: "ann" };
          if (type === "register") {
            const ids = { id: "job", resume: "secret", parked: 1 };
            socket.send(JSON.stringify({ type: "registered", ...common, ...ids }));
          } else if (type === "park" && pairs++ === 0) {
            const client = { key: 1, address: "192.0.2.1" };
            socket.send(JSON.stringify({ type: "paired", client }));
          }
        };
        socket.onclose = async () => {
          if (chunks.length > 0) got.resolve(new Uint8Array(await new Blob(chunks).arrayBuffer()));
        };
      },
    },
  });
  await using _agent = startAgent(server.url, (stream) => give(stream, bytes));
  assert.ok(bytes.equals(await got.promise));
});
