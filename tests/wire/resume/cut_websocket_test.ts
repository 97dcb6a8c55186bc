/** Real websockets that are cut after each number of bytes, in the handshake and behind it. */
import assert from "node:assert/strict";
import { RESUME_SUBPROTOCOL } from "../../../lib/protocol/messages.ts";
import { parseFrame, type RequestFrame } from "../../../lib/protocol/stream_frames.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";
import { Acceptor } from "../../../lib/wire/resume/acceptor.ts";
import { openStream } from "../../../lib/wire/resume/initiator.ts";
import type { StreamLink } from "../../../lib/wire/resume/stream_link.ts";
import { connectWebSocket } from "../../../lib/wire/websocket/websocket.ts";
import { startCuttingProxy } from "../../support/cutting_proxy.ts";
import { readAll } from "../../support/memory_stream.ts";
import { nativeLink } from "../../support/resuming_server.ts";
import { startWebSocketServer } from "../../support/websocket_server.ts";

/** Sends bytes and the end; resolves to what came until the other end. */
async function exchange(stream: ByteStream, bytes: Uint8Array): Promise<Uint8Array> {
  const reading = readAll(stream);
  await stream.write(bytes);
  await stream.end();
  return await reading;
}

function pattern(seed: number): Uint8Array {
  return Uint8Array.from({ length: 300 }, (_, at) => at * seed);
}

Deno.test("a stream goes on wherever its second connection is cut", async () => {
  using acceptor = new Acceptor({ window: 65_536, budget: 1024 ** 2, resumeMs: 600_000 });
  const [up, down] = [pattern(3), pattern(5)];
  let received: Promise<Uint8Array>;
  const accept = async (link: StreamLink) => {
    const first = await link.receive().catch(() => null);
    if (first === null) return;
    const request = parseFrame<RequestFrame>(first, "open", "resume");
    if (request.type === "resume") {
      const refusal = acceptor.resume(link, request);
      assert.equal(refusal, undefined, refusal?.reason);
      return;
    }
    // Nothing goes out before, so that all has to pass the second connection.
    const { promise: resumed, resolve } = Promise.withResolvers<void>();
    const { stream, keep } = acceptor.open(link, { resumed: resolve });
    keep();
    received = resumed.then(() => exchange(stream, down));
  };
  await using server = startWebSocketServer({
    paths: { "/": (socket) => void accept(nativeLink(socket)) },
    protocol: RESUME_SUBPROTOCOL,
  });
  await using proxy = startCuttingProxy(server.port);
  const connect = async () => {
    const connection = await connectWebSocket(new URL(`ws://127.0.0.1:${proxy.port}/`), {
      protocols: [RESUME_SUBPROTOCOL],
    });
    connection.receiveParts();
    return connection;
  };
  /** One stream. @returns whether its second connection was cut */
  const run = async (cut: { up?: number; down?: number }): Promise<boolean> => {
    let connections = 0;
    const opened = await openStream(await connect(), {
      connect: () => {
        connections++;
        return connect();
      },
      resumeMs: 600_000,
      random: () => 0,
    });
    proxy.cuts.push(cut);
    proxy.cutAll();
    const { stream } = opened!;
    assert.deepEqual(await exchange(stream, up), down, JSON.stringify(cut));
    assert.deepEqual(await received, up, JSON.stringify(cut));
    assert.equal(await stream.closed, undefined);
    return connections > 1;
  };
  for (const way of ["up", "down"] as const) {
    let bytes = 0;
    while (await run({ [way]: bytes })) bytes++;
    // The handshake, the frames and all bytes.
    assert.ok(bytes > 500, `cut ${bytes} times`);
  }
});
