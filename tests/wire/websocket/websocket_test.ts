import assert from "node:assert/strict";
import { connectWebSocket, UpgradeRefusedError } from "../../../lib/wire/websocket/websocket.ts";
import { writeAll } from "../../../lib/wire/raw_connection.ts";
import { startRawServer, upgrade } from "../../support/raw_websocket_server.ts";
import { echo, startWebSocketServer } from "../../support/websocket_server.ts";

Deno.test("a websocket carries texts and bytes of any length both ways, and closes", async () => {
  await using server = startWebSocketServer({ paths: { "/": echo } });
  const connection = await connectWebSocket(new URL(server.url));
  assert.equal(connection.protocol, "");
  for (const text of ["", "hé", "x".repeat(100_000)]) {
    await connection.send(text);
    assert.equal(await connection.receive(), text);
  }
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 3);
    await connection.send(bytes);
    assert.deepEqual(await connection.receive(), bytes);
  }
  await connection.end();
  assert.equal(await connection.receive(), null);
  assert.equal(await connection.closed, undefined);
  await assert.rejects(connection.send("late"), /the connection is closed/);
  connection.close();
});

Deno.test("the subprotocol is the server's choice, a server may ignore the offer", async () => {
  for (const protocol of ["b", undefined]) {
    await using server = startWebSocketServer({ paths: { "/": echo }, protocol });
    const connection = await connectWebSocket(new URL(server.url), { protocols: ["a", "b"] });
    assert.equal(connection.protocol, protocol ?? "");
    connection.close();
    await connection.closed;
  }
});

Deno.test("the request carries the path, the query, the headers and the login of the URL", async () => {
  const heads: string[] = [];
  await using server = startRawServer(async (conn) => {
    heads.push(await upgrade(conn));
  });
  const url = new URL(`ws://ann:p%40ss@127.0.0.1:${server.port}/a/b?wait=5m#fragment`);
  const connection = await connectWebSocket(url, {
    headers: { "X-One": "1", Host: "example.org" },
    protocols: ["a", "b"],
  });
  await connection.closed;
  const [head] = heads;
  assert.match(head!, /^GET \/a\/b\?wait=5m HTTP\/1\.1\r\n/);
  for (
    const line of [
      "host: example.org",
      "x-one: 1",
      `authorization: Basic ${btoa("ann:p@ss")}`,
      "sec-websocket-protocol: a, b",
      "sec-websocket-version: 13",
      "upgrade: websocket",
      "connection: Upgrade",
    ]
  ) assert.ok(head!.includes(`\r\n${line}\r\n`), `${line} in ${head}`);
});

/** What the error says when a server answers an upgrade with these bytes. */
async function answer(text: string): Promise<Error> {
  await using server = startRawServer(async (conn) => {
    await conn.read(new Uint8Array(4096));
    await writeAll(conn, new TextEncoder().encode(text));
  });
  const error: Error = await connectWebSocket(new URL(`/x?secret`, server.url)).then(
    () => assert.fail("it opened"),
    (error) => error,
  );
  const prefix = `cannot connect to "ws://127.0.0.1:${server.port}/x": `;
  assert.ok(error.message.startsWith(prefix), error.message);
  error.message = error.message.slice(prefix.length);
  return error;
}

const plain = "content-type: text/plain; charset=utf-8\r\n";

for (
  const [what, response, message] of [
    [
      "a body with a length",
      `404 Not Found\r\n${plain}content-length: 20\r\n\r\nno such agent\nmore..`,
      "no such agent (404)",
    ],
    ["a body up to the end", `503 Busy\r\n${plain}\r\ntoo many agents`, "too many agents (503)"],
    [
      "a body in chunks",
      `404 Not Found\r\n${plain}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      "hello (404)",
    ],
    ["no body", `403 Forbidden\r\n${plain}content-length: 0\r\n\r\n`, "Forbidden (403)"],
    [
      "a page",
      "502 Bad Gateway\r\ncontent-type: text/html\r\n\r\n<h1>no</h1>",
      "Bad Gateway (502)",
    ],
    ["no reason at all", "418\r\n\r\n", "status 418 (418)"],
    [
      "a redirect",
      "301 Moved Permanently\r\nlocation: https://host/\r\n\r\n",
      "Moved Permanently: try https://host/ (301)",
    ],
    ["control characters", `404 No\r\n${plain}\r\n\x1b[31mred\x07\r\n`, "[31mred (404)"],
    ["an interim answer", `103 Early Hints\r\n\r\nHTTP/1.1 404 No\r\n\r\n`, "No (404)"],
  ] as const
) {
  Deno.test(`connectWebSocket() gives the reason of a refusal: ${what}`, async () => {
    const error = await answer(`HTTP/1.1 ${response}`);
    assert.ok(error instanceof UpgradeRefusedError);
    assert.equal(error.message, message);
    assert.equal(`${error.reason} (${error.status})`, message);
  });
}

for (
  const [given, expected] of [
    ["retry-after: 20\r\n", 20_000],
    ["retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", undefined],
    ["retry-after: 99999999999\r\n", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`connectWebSocket() tells what ${JSON.stringify(given)} asks for`, async () => {
    const error = await answer(`HTTP/1.1 503 Busy\r\n${given}${plain}\r\nbusy`);
    assert.ok(error instanceof UpgradeRefusedError);
    assert.equal(error.retryAfterMs, expected);
  });
}

for (
  const [what, response, pattern] of [
    ["no answer", "", /^the connection was closed without an answer$/],
    ["no HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n", /^the answer is not HTTP\/1\.1$/],
    ["a header with a NUL", "HTTP/1.1 200 OK\r\nx: \0\r\n\r\n", /^the answer is not HTTP/],
    ["an endless head", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(40_000)}`, /^the answer is not HTTP/],
    [
      "a wrong key",
      "HTTP/1.1 101 x\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n",
      /^the answer is not that of a websocket server$/,
    ],
  ] as const
) {
  Deno.test(`connectWebSocket() refuses a server that gives ${what}`, async () => {
    assert.match((await answer(response)).message, pattern);
  });
}

Deno.test("connectWebSocket() cuts a reason of the server at 300 characters", async () => {
  const error = await answer(`HTTP/1.1 404 No\r\n${plain}\r\n${"x".repeat(10_000)}`);
  assert.equal(error.message, `${"x".repeat(300)} (404)`);
});

Deno.test("connectWebSocket() says that nothing listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(connectWebSocket(new URL(`ws://127.0.0.1:${port}`)), {
    message:
      `cannot connect to "ws://127.0.0.1:${port}/": connection refused; check the port, and that the server runs`,
  });
});

Deno.test("connectWebSocket() gives up after the timeout", async () => {
  await using server = startRawServer(async (conn) => {
    while (await conn.read(new Uint8Array(4096)) !== null);
  });
  await assert.rejects(
    connectWebSocket(server.url, { timeout: 50 }),
    /: no answer within 0\.05 s$/,
  );
});

Deno.test("connectWebSocket() ends with the reason of its signal", async () => {
  const reached = Promise.withResolvers<void>();
  await using server = startRawServer(async (conn) => {
    reached.resolve();
    while (await conn.read(new Uint8Array(4096)) !== null);
  });
  const controller = new AbortController();
  const connecting = connectWebSocket(server.url, { signal: controller.signal });
  const rejected = assert.rejects(connecting, /enough/);
  await reached.promise;
  controller.abort(new Error("enough"));
  await rejected;
  await assert.rejects(
    connectWebSocket(server.url, { signal: AbortSignal.abort(new Error("before")) }),
    /before/,
  );
});
