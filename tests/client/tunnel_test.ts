import assert from "node:assert/strict";
import { HALF_CLOSE_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { type Program, startEntry } from "../support/program.ts";
import { writeAll } from "../../lib/wire/raw_connection.ts";
import { startRawServer, upgrade } from "../support/raw_websocket_server.ts";
import { echo, startWebSocketServer } from "../support/websocket_server.ts";

/** A tunnel at a free port. */
async function start(...args: string[]): Promise<{ tunnel: Program; port: number }> {
  const tunnel = startEntry("tunnel.ts", ["0", ...args]);
  try {
    const [, port] = await tunnel.waitFor(/^listening on .*:(\d+)$/m);
    return { tunnel, port: Number(port) };
  } catch (error) {
    await tunnel[Symbol.asyncDispose]();
    throw error;
  }
}

const dial = (port: number) => Deno.connect({ hostname: "127.0.0.1", port });
const bytes = (text: string) => new TextEncoder().encode(text);

/** Reads exactly this much as text. */
async function readText(conn: Deno.Conn, length: number): Promise<string> {
  const buffer = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await conn.read(buffer.subarray(at));
    if (count === null) throw new Error("it ended early");
    at += count;
  }
  return new TextDecoder().decode(buffer);
}

/** Reads up to end of file. */
async function readRest(conn: Deno.Conn): Promise<Uint8Array> {
  return new Uint8Array(await new Response(conn.readable).arrayBuffer());
}

Deno.test("tunnel prints where it listens and an ssh command, and ends with SIGTERM", async () => {
  const { tunnel, port } = await start("ws://127.0.0.1:1/client/x");
  await tunnel.waitFor(/USER@/);
  tunnel.kill("SIGTERM");
  const { code, stdout, stderr } = await tunnel.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    `listening on 127.0.0.1:${port}\nssh -oServerAliveInterval=120 -oUserKnownHostsFile=/dev/null -p ${port} USER@localhost\n`,
  );
});

Deno.test("tunnel gives each connection a websocket of its own, and they end apart", async () => {
  await using server = startWebSocketServer({ paths: { "/": echo } });
  const { tunnel, port } = await start(server.url);
  await using _ = tunnel;
  const conns = await Promise.all(Array.from({ length: 5 }, () => dial(port)));
  for (const [i, conn] of conns.entries()) await conn.write(bytes(`number ${i}`));
  for (const [i, conn] of conns.entries()) assert.equal(await readText(conn, 8), `number ${i}`);
  conns[0]!.close();
  conns[1]!.close();
  for (const conn of conns.slice(2)) {
    await conn.write(bytes("still"));
    assert.equal(await readText(conn, 5), "still");
    conn.close();
  }
});

Deno.test("tunnel keeps half-close both ways, and 10 MB come back as they were", async () => {
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        const chunks: ArrayBuffer[] = [];
        socket.onmessage = ({ data }) => {
          if (data !== "eof") return chunks.push(data);
          for (const chunk of chunks) socket.send(chunk);
          socket.send("eof");
        };
      },
    },
    protocol: HALF_CLOSE_SUBPROTOCOL,
  });
  const { tunnel, port } = await start(server.url);
  await using _ = tunnel;
  using conn = await dial(port);
  const sent = Uint8Array.from({ length: 10_000_000 }, (_, i) => i ^ (i >> 8) ^ (i >> 16));
  await writeAll(conn, sent);
  await conn.closeWrite();
  const received = await readRest(conn);
  assert.equal(received.length, sent.length);
  assert.ok(received.every((byte, i) => byte === sent[i]));
});

Deno.test("tunnel passes the server's end on, and goes on sending", async () => {
  const heard = Promise.withResolvers<string>();
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        let text = "";
        socket.onopen = () => socket.send("eof");
        socket.onmessage = ({ data }) => {
          if (data === "eof") heard.resolve(text);
          else text += new TextDecoder().decode(data);
        };
      },
    },
    protocol: HALF_CLOSE_SUBPROTOCOL,
  });
  const { tunnel, port } = await start(server.url);
  await using _ = tunnel;
  using conn = await dial(port);
  assert.equal(await conn.read(new Uint8Array(1)), null);
  await conn.write(bytes("more"));
  await conn.closeWrite();
  assert.equal(await heard.promise, "more");
});

Deno.test("tunnel closes the connection when the server closes", async () => {
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onopen = () => {
          socket.send(bytes("bye"));
          socket.close(1000);
        };
      },
    },
  });
  const { tunnel, port } = await start(server.url);
  await using _ = tunnel;
  const conn = await dial(port);
  assert.deepEqual(await readRest(conn), bytes("bye"));
  assert.equal(tunnel.stderr, "");
});

Deno.test("tunnel logs why a connection failed and serves the next one", async () => {
  let open = false;
  await using server = startRawServer(async (conn) => {
    if (open) {
      await upgrade(conn);
      await conn.read(new Uint8Array(1));
    } else {
      await conn.read(new Uint8Array(4096));
      const head = "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\n\r\n";
      await writeAll(conn, bytes(`${head}no such agent\n`));
    }
  });
  const { tunnel, port } = await start(server.url.href);
  await using _ = tunnel;

  const refused = await dial(port);
  const refusal = new TextDecoder().decode(await readRest(refused));
  assert.match(refusal, /^SSH-2\.0-\S+\r\n.*no such agent \(404\)/s);
  await tunnel.waitFor(/ warn connection failed client=127\.0\.0\.1:\d+ .*no such agent \(404\)/);

  open = true;
  const lost = await dial(port);
  await lost.write(bytes("x"));
  assert.equal((await readRest(lost)).length, 0);
  await tunnel.waitFor(/ warn connection failed client=127\.0\.0\.1:\d+ .*the connection was lost/);
  assert.equal(tunnel.stderr.trimEnd().split("\n").length, 2);

  const next = await dial(port);
  await next.write(bytes("x"));
  assert.equal((await readRest(next)).length, 0);
  tunnel.kill("SIGINT");
  assert.equal((await tunnel.result()).code, 0);
});

Deno.test("tunnel closes its connections when it is asked to end", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  await using server = startWebSocketServer({
    paths: {
      "/": (socket, request) => {
        echo(socket, request);
        socket.onclose = closed.resolve;
      },
    },
  });
  const { tunnel, port } = await start(server.url);
  const conn = await dial(port);
  await conn.write(bytes("x"));
  await readText(conn, 1);
  tunnel.kill("SIGINT");
  const { code, stderr } = await tunnel.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal((await closed.promise).code, 1001);
  assert.equal((await readRest(conn)).length, 0);
});

Deno.test("tunnel says that its port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using tunnel = startEntry("tunnel.ts", [`${port}`, "ws://127.0.0.1:1/"]);
  const { code, stdout, stderr } = await tunnel.result();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    `tunnel: cannot listen on 127.0.0.1:${port}: ` +
      "the port is in use; port 0 takes any that is free\n",
  );
});

Deno.test("tunnel listens elsewhere with --listen", async () => {
  const { tunnel, port } = await start("--listen", "localhost", "ws://127.0.0.1:1/");
  await using _ = tunnel;
  await tunnel.waitFor(new RegExp(`^listening on localhost:${port}$`, "m"));
  const nowhere = startEntry("tunnel.ts", ["--listen", "192.0.2.1", "0", "ws://127.0.0.1:1/"]);
  const { code, stderr } = await nowhere.result();
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "tunnel: cannot listen on 192.0.2.1:0: " +
      "this machine has no such address; choose another one with --listen\n",
  );
});
