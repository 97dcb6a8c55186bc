import assert from "node:assert/strict";
import {
  connectWebSocket,
  WebSocketClosedError,
  WebSocketConnection,
} from "../../../lib/wire/websocket/websocket.ts";
import { writeAll } from "../../../lib/wire/raw_connection.ts";
import { serverFrame, startRawServer, upgrade } from "../../support/raw_websocket_server.ts";
import { startWebSocketServer } from "../../support/websocket_server.ts";

/** A server that sends these bytes after the upgrade and then reads up to the end. */
function script(...frames: Uint8Array[]) {
  const received = Promise.withResolvers<number[]>();
  const server = startRawServer(async (conn) => {
    const bytes: number[] = [];
    await upgrade(conn);
    for (const frame of frames) await writeAll(conn, frame);
    const buffer = new Uint8Array(65_536);
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      bytes.push(...buffer.subarray(0, n));
    }
    received.resolve(bytes);
  });
  return { ...server, received: received.promise };
}

/** The frames that a client sent: kind and text. */
function unmask(bytes: number[]): [number, string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at + 1]! & 0x7f;
    assert.ok(length < 126);
    const mask = bytes.slice(at + 2, at + 6);
    const payload = bytes.slice(at + 6, at + 6 + length).map((byte, i) => byte ^ mask[i & 3]!);
    frames.push([bytes[at]! & 0x0f, String.fromCharCode(...payload)]);
    at += 6 + length;
  }
  return frames;
}

const closeFrame = (code: number, reason = "") =>
  serverFrame(8, Uint8Array.from([code >> 8, code & 255, ...new TextEncoder().encode(reason)]));

Deno.test("receive() joins fragments, also around control frames", async () => {
  await using server = script(
    serverFrame(1, "hal", false),
    serverFrame(9, "ping"),
    serverFrame(0, "", false),
    serverFrame(0, "lo"),
    serverFrame(2, "x", false),
    serverFrame(0, "y"),
    closeFrame(1000),
  );
  const connection = await connectWebSocket(server.url);
  assert.equal(await connection.receive(), "hallo");
  assert.deepEqual(await connection.receive(), new TextEncoder().encode("xy"));
  await connection.closed;
});

Deno.test("a ping is answered with its own payload", async () => {
  await using server = script(serverFrame(9, "are you there"), closeFrame(1000));
  const connection = await connectWebSocket(server.url);
  assert.equal(await connection.receive(), null);
  await connection.closed;
  assert.deepEqual(unmask(await server.received), [[10, "are you there"], [8, "\x03\xe8"]]);
});

for (const code of [1000, 1001, undefined]) {
  Deno.test(`a close with ${code ?? "no code"} is end of file, and is answered`, async () => {
    const frame = code === undefined ? serverFrame(8, "") : closeFrame(code, "bye");
    await using server = script(serverFrame(1, "last"), frame);
    const connection = await connectWebSocket(server.url);
    assert.equal(await connection.receive(), "last");
    assert.equal(await connection.receive(), null);
    assert.equal(await connection.receive(), null);
    assert.equal(await connection.closed, undefined);
    assert.equal(connection.peerClosed, true);
    const echoed = code === undefined ? "" : String.fromCharCode(code >> 8, code & 255) + "bye";
    assert.deepEqual(unmask(await server.received), [[8, echoed]]);
  });
}

Deno.test("any other close is an error with its code and reason, also for who sends", async () => {
  await using server = script(serverFrame(1, "last"), closeFrame(4001, "too\x1b slow\nx"));
  const connection = await connectWebSocket(server.url);
  assert.equal(await connection.receive(), "last");
  const expected = (error: Error) => {
    assert.ok(error instanceof WebSocketClosedError);
    assert.equal(error.message, "the server closed the connection: too slow (4001)");
    return error.code === 4001 && error.reason === "too slow";
  };
  await assert.rejects(connection.receive(), expected);
  await assert.rejects(connection.send("x"), expected);
  assert.ok(expected((await connection.closed)!));
});

Deno.test("a loss without a close frame is an error", async () => {
  await using server = startRawServer(async (conn) => {
    await upgrade(conn);
  });
  const connection = await connectWebSocket(server.url);
  await assert.rejects(connection.receive(), { code: 1006, message: "the connection was lost" });
  assert.equal((await connection.closed)?.message, "the connection was lost");
});

for (
  const [what, bytes, code] of [
    ["a text that is not UTF-8", serverFrame(1, Uint8Array.of(0xff)), 1007],
    ["a continuation of nothing", serverFrame(0, "x"), 1002],
    ["a message in the middle of another", new Uint8Array([1, 0, 0x81, 0]), 1002],
    ["a close with half a code", serverFrame(8, "x"), 1002],
    ["a close with a code that cannot be", closeFrame(1006), 1002],
    ["a masked frame", new Uint8Array([0x81, 0x80, 0, 0, 0, 0]), 1002],
    ["a frame larger than 16 MiB", new Uint8Array([0x82, 127, 0, 0, 0, 0, 1, 0, 0, 1]), 1009],
  ] as const
) {
  Deno.test(`a server that sends ${what} is told ${code}`, async () => {
    await using server = script(bytes);
    const connection = await connectWebSocket(server.url);
    await assert.rejects(connection.receive(), /^Error: the server broke the websocket protocol: /);
    const [[kind, payload] = []] = unmask(await server.received);
    assert.equal(kind, 8);
    assert.equal(payload!.charCodeAt(0) << 8 | payload!.charCodeAt(1), code);
    assert.match((await connection.closed)!.message, /broke the websocket protocol/);
  });
}

Deno.test("close() sends its code and reason, cut to what fits, and drops what comes", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onopen = () => socket.send("unheard");
        socket.onclose = closed.resolve;
      },
    },
  });
  const connection = await connectWebSocket(new URL(server.url));
  const receiving = connection.receive();
  connection.close(4000, "ü".repeat(100));
  connection.close(4001, "again");
  await receiving;
  assert.equal(await connection.receive(), null);
  assert.equal(await connection.closed, undefined);
  const { code, reason } = await closed.promise;
  assert.deepEqual([code, reason], [4000, "ü".repeat(61)]);
});

Deno.test("close() still sends what was sent before it", async () => {
  const messages: string[] = [];
  const closed = Promise.withResolvers<CloseEvent>();
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onmessage = ({ data }) => messages.push(data);
        socket.onclose = closed.resolve;
      },
    },
  });
  const connection = await connectWebSocket(new URL(server.url));
  for (let i = 0; i < 10; i++) void connection.send(`${i}`);
  connection.close();
  await closed.promise;
  assert.deepEqual(messages.join(""), "0123456789");
  await connection.closed;
});

Deno.test("end() lets what is still on its way arrive", async () => {
  await using server = startRawServer(async (conn) => {
    await upgrade(conn);
    // The client's close frame: header, mask, code.
    await conn.read(new Uint8Array(100));
    await writeAll(conn, serverFrame(1, "one"));
    await writeAll(conn, serverFrame(1, "two"));
    await writeAll(conn, closeFrame(1000));
  });
  const connection = await connectWebSocket(server.url);
  await connection.end();
  assert.equal(await connection.receive(), "one");
  assert.equal(await connection.receive(), "two");
  assert.equal(await connection.receive(), null);
  assert.equal(await connection.closed, undefined);
});

Deno.test("a server that is silent for three pings is lost", async () => {
  await using server = startRawServer(async (conn) => {
    await upgrade(conn);
    while (await conn.read(new Uint8Array(4096)) !== null);
  });
  const connection = await connectWebSocket(server.url, { pingInterval: 20 });
  await assert.rejects(
    connection.receive(),
    /^Error: the connection was lost: the server is silent$/,
  );
  assert.match((await connection.closed)!.message, /the server is silent/);
});

Deno.test("a server that answers pings is alive without a message", async () => {
  await using server = startRawServer(async (conn) => {
    await upgrade(conn);
    // An empty ping of a client is six bytes.
    for (let count = 0; count < 10; count++) {
      await conn.read(new Uint8Array(6));
      await writeAll(conn, serverFrame(10, ""));
    }
    await writeAll(conn, closeFrame(1000));
  });
  const connection = await connectWebSocket(server.url, { pingInterval: 100 });
  assert.equal(await connection.receive(), null);
  assert.equal(await connection.closed, undefined);
});

Deno.test("a server that does not answer the close is left after a while", async () => {
  for (const graceful of [false, true]) {
    await using server = script();
    const connection = await connectWebSocket(server.url, { closeTimeout: 20 });
    if (graceful) {
      await connection.end();
      await assert.rejects(connection.receive(), /^Error: the server did not answer the close$/);
    } else {
      connection.close();
    }
    assert.equal(await connection.closed instanceof Error, graceful);
    assert.deepEqual(unmask(await server.received), [[8, "\x03\xe8"]]);
  }
});

Deno.test("a server that only pings after close() is left after a while", async () => {
  let open = true;
  const gone = Promise.withResolvers<void>();
  const connection = new WebSocketConnection({
    async read(buffer) {
      // Sooner than the connection is left.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!open) gone.resolve();
      const ping = serverFrame(9, "");
      buffer.set(ping);
      return ping.length;
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => void (open = false),
  }, { protocol: "", rest: new Uint8Array(0), pingInterval: 60_000, closeTimeout: 50 });
  connection.close();
  assert.equal(await connection.closed, undefined);
  await gone.promise;
});

Deno.test("a server that goes on sending after the close is heard out", async () => {
  let arrival = Promise.withResolvers<Uint8Array>();
  const arrive = (bytes: Uint8Array) => {
    arrival.resolve(bytes);
    arrival = Promise.withResolvers();
  };
  const connection = new WebSocketConnection({
    async read(buffer) {
      const bytes = await arrival.promise;
      buffer.set(bytes);
      return bytes.length;
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => {},
  }, { protocol: "", rest: new Uint8Array(0), pingInterval: 60_000, closeTimeout: 20 });
  await connection.end();
  arrive(serverFrame(1, "0"));
  // A timer of the same length that was set later: one message comes between any two looks.
  let sent = 0;
  const timer = setInterval(() => {
    arrive(++sent < 5 ? serverFrame(1, `${sent}`) : closeFrame(1000));
  }, 20);
  let text = "";
  for (let m = await connection.receive(); m !== null; m = await connection.receive()) text += m;
  clearInterval(timer);
  assert.equal(text, "01234");
  assert.equal(await connection.closed, undefined);
});
