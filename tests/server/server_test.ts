import assert from "node:assert/strict";
import { CloseCode, HALF_CLOSE_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { makeCertificate } from "../support/certificate.ts";
import { TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startTestServer } from "../support/server.ts";
import { pairUp, TestAgent, TestSocket, type UpgradeRefused } from "../support/test_socket.ts";

const test = requires("openssl");

/** Sends `text` as it is and returns all that the server answers until it closes. */
async function rawRequest(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  // Nothing more will come of a request that is not whole.
  if (!text.includes("\r\n\r\n")) await connection.closeWrite();
  let answer = "";
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(65_536);
  try {
    while (!answer.includes("\r\n\r\n")) {
      const length = await connection.read(chunk);
      if (length === null) break;
      answer += decoder.decode(chunk.subarray(0, length));
    }
  } catch {
    // A reset ends the answer too.
  }
  return answer;
}

/** A connection that the server has accepted, for several requests. */
class KeptConnection implements Disposable {
  private constructor(readonly connection: Deno.TcpConn, readonly port: number) {}

  static async open(port: number): Promise<KeptConnection> {
    const kept = new KeptConnection(await Deno.connect({ hostname: "127.0.0.1", port }), port);
    assert.deepEqual(await kept.get("healthz"), [200, "ok\n"]);
    return kept;
  }

  async get(path: string, headers = ""): Promise<[status: number, body: string]> {
    const request = `GET /${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${headers}\r\n`;
    await this.connection.write(new TextEncoder().encode(request));
    const chunk = new Uint8Array(65_536);
    let answer = "";
    for (;;) {
      const [head, body] = answer.split("\r\n\r\n");
      const length = /^content-length: (\d+)/im.exec(head!)?.[1];
      if (body?.length === Number(length)) return [Number(answer.split(" ")[1]), body!];
      const count = await this.connection.read(chunk) ?? assert.fail(`closed after ${answer}`);
      answer += new TextDecoder().decode(chunk.subarray(0, count));
    }
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}

async function textOf(url: string, init?: RequestInit): Promise<[status: number, body: string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

Deno.test("GET /healthz and /readyz answer in one line", async () => {
  await using server = await startTestServer();
  assert.deepEqual(await textOf(`${server.url}/healthz`), [200, "ok\n"]);
  assert.deepEqual(await textOf(`${server.url}/readyz`), [200, "ready\n"]);
});

Deno.test("a path that is not ours is handed on with its site", async () => {
  await using server = await startTestServer({ username: "ci" }, {
    pages: (request, site, path) =>
      Response.json({ site, path, url: request.url, method: request.method }),
  });
  const page = await (await fetch(`${server.url}/usage?a=b`)).json();
  assert.equal(page.site.http, server.url);
  assert.equal(page.site.ws, server.ws);
  assert.equal(page.site.username, "ci");
  assert.equal(page.path, "/usage");
  assert.equal(page.url, `${server.url}/usage?a=b`);
});

Deno.test("a server without pages says that there is nothing", async () => {
  await using server = await startTestServer();
  assert.deepEqual(await textOf(`${server.url}/x%20y`), [404, "nothing at /x y\n"]);
});

Deno.test("HEAD answers with the headers of GET and nothing else", async () => {
  let cancelled = false;
  const body = () => new ReadableStream({ cancel: () => void (cancelled = true) });
  await using server = await startTestServer({}, {
    pages: () => new Response(body(), { headers: { "content-length": "7", "x-test": "1" } }),
  });
  const response = await fetch(`${server.url}/`, { method: "HEAD" });
  assert.equal(response.headers.get("content-length"), "7");
  assert.equal(response.headers.get("x-test"), "1");
  assert.equal(await response.text(), "");
  assert.ok(cancelled);
});

Deno.test("other methods get 405 and which ones are allowed; their bodies are ignored", async () => {
  await using server = await startTestServer();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const body = method === "OPTIONS" ? undefined : "x".repeat(100_000);
    const response = await fetch(`${server.url}/healthz`, { method, body });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
    await response.body?.cancel();
  }
  for (const method of ["TRACE", "BREW"]) {
    const request = `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    assert.match(await rawRequest(server.port, request), /^HTTP\/1\.1 40[05]/, method);
  }
});

Deno.test("a websocket route without an upgrade: 426, or why it would not be one", async () => {
  await using server = await startTestServer();
  await using _agent = await TestAgent.register(server.ws, "job");
  const response = await fetch(`${server.url}/client/job`);
  assert.equal(response.status, 426);
  assert.equal(response.headers.get("upgrade"), "websocket");
  assert.match(await response.text(), /^this path is for websockets: connect with wsproxy.*\n$/);
  assert.equal((await textOf(`${server.url}/client/other`))[0], 404);
  assert.equal((await textOf(`${server.url}/client/-`))[0], 400);
  assert.equal((await textOf(`${server.url}/agent/other`))[0], 426);
});

Deno.test("a websocket anywhere else: 404", async () => {
  await using server = await startTestServer({}, { pages: () => new Response("page") });
  await assert.rejects(
    TestSocket.open(`${server.ws}/usage`),
    (error: UpgradeRefused) => error.status === 404 && /\/client\/ID/.test(error.body),
  );
});

Deno.test("a websocket handshake that is broken: 400", async () => {
  await using server = await startTestServer();
  const answer = await rawRequest(
    server.port,
    "GET /agent/job HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 400 /);
});

Deno.test("a websocket of another version: 426 with the one that is spoken", async () => {
  await using server = await startTestServer();
  const answer = await rawRequest(
    server.port,
    "GET /agent/job HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 8\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 426 .*\r\nsec-websocket-version: 13\r\n/is);
});

Deno.test("requests that are none do not disturb anybody else", async () => {
  await using server = await startTestServer();
  const requests = [
    "GARBAGE\r\n\r\n",
    "GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET //x/../.. HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
    `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01",
  ];
  for (const request of requests) {
    const answer = await rawRequest(server.port, request);
    assert.match(answer, /^$|^HTTP\/1\.1 4\d\d /, JSON.stringify(request.slice(0, 40)));
  }
  assert.deepEqual(await textOf(`${server.url}/healthz`), [200, "ok\n"]);
});

Deno.test("a page that fails: 500, a line in the log, and the server goes on", async () => {
  await using server = await startTestServer({}, {
    pages: () => {
      throw new Error("template broke");
    },
  });
  const [status, body] = await textOf(`${server.url}/`);
  assert.equal(status, 500);
  assert.ok(!body.includes("template"));
  await server.logged("request failed", { reason: "template broke" });
});

Deno.test("a body that fails halfway does not look whole", async () => {
  await using server = await startTestServer({}, {
    pages: () => {
      let pulls = 0;
      return new Response(
        new ReadableStream({
          pull: (controller) => {
            if (pulls++ > 0) return controller.error(new Error("disk broke"));
            controller.enqueue(new Uint8Array(10));
          },
        }),
      );
    },
  });
  const response = await fetch(`${server.url}/`);
  await assert.rejects(response.arrayBuffer());
});

Deno.test("a visitor who leaves ends the body that was being sent", async () => {
  const left = Promise.withResolvers<void>();
  await using server = await startTestServer({}, {
    pages: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
          cancel: () => left.resolve(),
        }),
      ),
  });
  const response = await fetch(`${server.url}/events`);
  const reader = response.body!.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "data: 1\n\n");
  await reader.cancel();
  await left.promise;
});

Deno.test("a large body goes only as fast as it is read", async () => {
  const chunk = new Uint8Array(65_536);
  let made = 0;
  await using server = await startTestServer({}, {
    pages: () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            controller.enqueue(chunk);
            made += chunk.length;
            if (made >= 64 * 2 ** 20) controller.close();
          },
        }),
      ),
  });
  const response = await fetch(`${server.url}/`);
  let got = 0;
  let mostAhead = 0;
  for await (const part of response.body!) {
    got += part.length;
    mostAhead = Math.max(mostAhead, made - got);
  }
  assert.equal(got, 64 * 2 ** 20);
  assert.ok(mostAhead < 32 * 2 ** 20, `${mostAhead} bytes ahead`);
});

Deno.test("everything is below the base path, and nothing else is there", async () => {
  await using server = await startTestServer({ basePath: "/a/b" }, {
    pages: (_request, site, path) => Response.json({ base: site.base, http: site.http, path }),
  });
  assert.equal(server.url, `http://127.0.0.1:${server.port}/a/b`);
  assert.deepEqual(await textOf(`${server.url}/healthz`), [200, "ok\n"]);
  for (const path of ["", "/"]) {
    const page = await (await fetch(server.url + path)).json();
    assert.deepEqual(page, { base: "/a/b", http: server.url, path: "/" });
  }
  const root = `http://127.0.0.1:${server.port}`;
  for (const path of ["/", "/a", "/a/bc", "/healthz"]) {
    assert.deepEqual(await textOf(root + path), [404, "not found: this server is below /a/b/\n"]);
    const forBrowsers = await fetch(root + path, { headers: { accept: "text/html,*/*" } });
    assert.match(await forBrowsers.text(), new RegExp(`<a href="${server.url}/">`));
  }
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  assert.equal(pair.client.socket.protocol, HALF_CLOSE_SUBPROTOCOL);
});

test("with a certificate it speaks https and wss", async () => {
  await using dir = new TempDir();
  const { ca, cert, key } = await makeCertificate(dir);
  const tls = { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
  await using server = await startTestServer({ tls }, {
    pages: (_request, site) => Response.json(site),
  });
  assert.match(server.url, /^https:/);
  const caText = Deno.readTextFileSync(ca);
  using client = Deno.createHttpClient({ caCerts: [caText] });
  const url = server.url.replace("127.0.0.1", "localhost");
  const site = await (await fetch(url, { client })).json();
  assert.deepEqual([site.http, site.ws], [url, url.replace("https", "wss")]);
  await using socket = await TestSocket.open(`${url.replace("https", "wss")}/agent/job`, {
    ca: caText,
  });
  socket.close();
  assert.equal((await socket.closed).code, 1000);
});

test("a certificate or a key of no use is an error in one line", async () => {
  await using dir = new TempDir();
  const files = await makeCertificate(dir);
  const [cert, key, ca] = [files.cert, files.key, files.ca].map(Deno.readTextFileSync);
  const start = (tls: { cert?: string; key?: string }) =>
    startTestServer({ tls: tls as { cert: string; key: string } });
  await assert.rejects(
    start({ cert: "x", key }),
    /cannot use --tls-cert as a PEM certificate: .+$/,
  );
  await assert.rejects(start({ cert, key: "x" }), /cannot use --tls-key as a PEM key: .+$/);
  await assert.rejects(start({ cert: ca, key }), /it is not the key of the certificate/);
});

Deno.test("a port in use is an error with a hint", async () => {
  await using server = await startTestServer();
  await assert.rejects(startTestServer({ port: server.port }), {
    message: `cannot listen on 127.0.0.1:${server.port}: ` +
      "the port is in use; choose another one with --port",
  });
});

Deno.test("a peer that is silent and answers no ping is gone; one that answers stays", async () => {
  await using server = await startTestServer({}, { timing: { idleMs: 3_000 } });
  await using agent = await TestAgent.register(server.ws, "job");
  await using mute = await TestAgent.register(server.ws, "mute");
  mute.control.socket.pause();
  await server.logged("agent lost", { id: "mute" });
  let pings = 0;
  await new Promise<void>((resolve) =>
    agent.control.socket.on("ping", () => ++pings === 2 && resolve())
  );
  assert.equal(server.snapshot().find(({ id }) => id === "job")!.connected, true);
  mute.control.socket.resume();
});

Deno.test("draining: nobody new, agents are told, open pairs go on until they end", async () => {
  const stop = new AbortController();
  await using server = await startTestServer({ drain: 60_000 }, { signal: stop.signal });
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  const parked = await agent.park();
  using kept = await KeptConnection.open(server.port);
  stop.abort("SIGTERM");
  assert.deepEqual(await agent.control.nextMessage(), { type: "draining" });
  const { port } = server;
  await assert.rejects(Deno.connect({ port }), Deno.errors.ConnectionRefused);
  assert.deepEqual(await kept.get("readyz"), [503, "draining\n"]);
  assert.deepEqual(await kept.get("healthz"), [200, "ok\n"]);
  const upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (const path of ["client/job", "client/other?wait=5m", "agent/other"]) {
    const [status, body] = await kept.get(path, upgrade);
    assert.equal(status, 503);
    assert.match(body, /the server is shutting down/);
  }
  pair.client.send(new Uint8Array(9));
  assert.equal((await pair.data.bytes(9)).length, 9);
  pair.client.close();
  await server.closed;
  assert.equal((await pair.data.closed).code, 1000);
  assert.equal((await agent.control.closed).code, CloseCode.goingAway);
  assert.equal((await parked.closed).code, CloseCode.goingAway);
  await assert.rejects(fetch(`${server.url}/healthz`));
});

Deno.test("draining ends open pairs with 1001 when their time is over", async () => {
  const stop = new AbortController();
  await using server = await startTestServer({ drain: 50 }, { signal: stop.signal });
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  await using waiting = await TestSocket.open(`${server.ws}/client/other?wait=5m`);
  stop.abort();
  for (const { closed } of [pair.client, pair.data, waiting]) {
    assert.deepEqual(await closed, {
      code: CloseCode.goingAway,
      reason: "the server is shutting down",
    });
  }
  await server.closed;
  await server.logged("client cut off", { label: "shutdown" });
});

Deno.test("a peer that does not answer the last close frame does not hold the server up", async () => {
  const stop = new AbortController();
  await using server = await startTestServer({}, {
    signal: stop.signal,
    timing: { lastCloseMs: 20 },
  });
  await using agent = await TestAgent.register(server.ws, "job");
  agent.control.socket.pause();
  stop.abort();
  await server.closed;
  agent.control.socket.resume();
});
