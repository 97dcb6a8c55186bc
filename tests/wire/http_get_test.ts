import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { boundedBody } from "../../lib/wire/bounded_body.ts";
import { httpGet } from "../../lib/wire/http_get.ts";
import { startRawServer } from "../support/raw_websocket_server.ts";

const signal = new AbortController().signal;

/** Status and body of an answer. */
async function get(url: URL, limit = 1_000_000): Promise<[number, string]> {
  return await httpGet(url, { signal }, async ({ status, body }) => [
    status,
    new TextDecoder().decode(await boundedBody(body, limit)),
  ]);
}

/** A server of ours. */
function serve(handler: (request: Request) => Response) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = (path: string) => new URL(path, `ws://127.0.0.1:${server.addr.port}`);
  return { url, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("httpGet() reads a body with its length, without one, and compressed", async () => {
  const long = "0123456789".repeat(30_000);
  const bodies: Record<string, () => Response> = {
    "/plain": () => new Response(long),
    "/stream": () => new Response(new Blob([long]).stream()),
    "/zip": () =>
      new Response(new Uint8Array(gzipSync(long)), { headers: { "content-encoding": "gzip" } }),
    "/none": () => new Response("", { status: 404 }),
  };
  await using server = serve((request) => bodies[new URL(request.url).pathname]!());
  for (const path of ["/plain", "/stream", "/zip"]) {
    assert.deepEqual(await get(server.url(path)), [200, long], path);
  }
  assert.deepEqual(await get(server.url("/none")), [404, ""]);
  await assert.rejects(get(server.url("/plain"), 65_536), /more than 64 KiB/);
});

Deno.test("httpGet() sends the path, the host and the login", async () => {
  await using server = serve((request) =>
    new Response(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`)
  );
  const url = server.url("/a%20b?c");
  url.username = "ann";
  url.password = "secret";
  assert.deepEqual(await get(url), [200, `/a%20b Basic ${btoa("ann:secret")}`]);
});

Deno.test("httpGet() rejects a body that is cut off", async () => {
  await using server = startRawServer(async (conn) => {
    await conn.read(new Uint8Array(4096));
    await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"));
  });
  await assert.rejects(get(server.url), /the connection was closed too early/);
});
