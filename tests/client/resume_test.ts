/** wsproxy and tunnel when the connection is lost. */
import assert from "node:assert/strict";
import { RESUME_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { type Program, startEntry } from "../support/program.ts";
import { startResumingServer } from "../support/resuming_server.ts";
import { echo, startWebSocketServer } from "../support/websocket_server.ts";

/** Enough that no connection comes through. */
const NO_NETWORK = Array.from({ length: 10_000 }, () => ({ up: 0 }));

function start(...args: string[]): Program {
  return startEntry("wsproxy.ts", args, { interactive: true, permissions: ["-N", "-E"] });
}

/** Waits until what was written came back. */
async function roundTrip(wsproxy: Program, text: string): Promise<void> {
  await wsproxy.write(text);
  await wsproxy.waitFor(new RegExp(text));
}

Deno.test("wsproxy goes on after a cut, and says nothing of a short one", async () => {
  await using server = startResumingServer();
  await using wsproxy = start(server.url);
  for (const text of ["one", "two", "three"]) {
    await roundTrip(wsproxy, text);
    server.proxy.cutAll();
  }
  await roundTrip(wsproxy, "four");
  await wsproxy.closeInput();
  const { code, stdout, stderr } = await wsproxy.result();
  assert.deepEqual([code, stdout, stderr], [0, "onetwothreefour", ""]);
  assert.equal(server.requests[0]!.protocols, `${RESUME_SUBPROTOCOL}, half-close.converge`);
  assert.match(server.requests[1]!.query, /^\?wait=\d+s$/);
  assert.equal(await server.ends[0], undefined);
});

Deno.test("wsproxy says in one line that it waits, and in one that it is back", async () => {
  await using server = startResumingServer();
  await using wsproxy = start("--resume-time", "10m", server.url);
  await roundTrip(wsproxy, "one");
  server.proxy.cuts.push(...NO_NETWORK);
  server.proxy.cutAll();
  await wsproxy.waitFor(/trying to reconnect for 10m/);
  await wsproxy.write("two");
  server.proxy.cuts.length = 0;
  await wsproxy.waitFor(/reconnected/);
  await wsproxy.waitFor(/onetwo/);
  await wsproxy.closeInput();
  const { code, stderr } = await wsproxy.result();
  assert.equal(code, 0);
  assert.equal(stderr.split("\n").length, 3, stderr);
});

Deno.test("wsproxy ends with one line when the agent does not know the stream any more", async () => {
  await using server = startResumingServer();
  await using wsproxy = start(server.url);
  await roundTrip(wsproxy, "one");
  server.forget();
  server.proxy.cutAll();
  const { code, stderr } = await wsproxy.result();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^wsproxy: the agent refused the connection: there is no such session here any more\n$/,
  );
});

Deno.test("wsproxy gives up after --resume-time, with the reason", async () => {
  await using server = startResumingServer();
  await using wsproxy = start("--resume-time", "500ms", server.url);
  await roundTrip(wsproxy, "one");
  server.proxy.cuts.push(...NO_NETWORK);
  server.proxy.cutAll();
  const { code, stderr } = await wsproxy.result();
  assert.equal(code, 1);
  assert.match(stderr, /^wsproxy: the connection was lost; could not reconnect within .*: cannot /);
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
  Deno.test(`wsproxy ends at once with ${signal} while it is away, and tells the agent before`, async () => {
    await using server = startResumingServer();
    await using wsproxy = start(server.url);
    await roundTrip(wsproxy, "one");
    wsproxy.kill(signal);
    const { code } = await wsproxy.result();
    assert.equal(code, 0);
    // It does not wait for the client: it was told.
    assert.equal(await server.ends[0], undefined);

    await using other = start(server.url);
    await roundTrip(other, "one");
    server.proxy.cuts.push(...NO_NETWORK);
    server.proxy.cutAll();
    await other.waitFor(/trying to reconnect/);
    other.kill(signal);
    assert.equal((await other.result()).code, 0);
  });
}

Deno.test("wsproxy moves to another connection before it leaves a server that is draining", async () => {
  await using server = startResumingServer();
  await using wsproxy = start(server.url);
  await roundTrip(wsproxy, "one");
  const [first] = server.sockets;
  const closed = new Promise<number>((resolve) => {
    first!.addEventListener("close", () => resolve(server.requests.length));
  });
  first!.send('{"type":"draining"}');
  assert.equal(await closed, 2);
  await roundTrip(wsproxy, "two");
  await wsproxy.closeInput();
  const { code, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("wsproxy asks for nothing of that with --resume-time 0", async () => {
  const offered = Promise.withResolvers<string | null>();
  await using server = startWebSocketServer({
    paths: {
      "/": (socket, request) => {
        offered.resolve(request.headers.get("sec-websocket-protocol"));
        echo(socket, request);
      },
    },
  });
  await using wsproxy = start("--resume-time", "0", server.url);
  await roundTrip(wsproxy, "one");
  assert.equal(await offered.promise, "half-close.converge");
});

Deno.test("wsproxy carries plain bytes when the agent cannot do more", async () => {
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onmessage = ({ data }) => {
          if (data === '{"type":"open"}') socket.send("plain");
          else socket.send(data);
        };
      },
    },
    protocol: RESUME_SUBPROTOCOL,
  });
  await using wsproxy = start(server.url);
  await roundTrip(wsproxy, "one");
  await wsproxy.closeInput();
  const { code, stdout, stderr } = await wsproxy.result();
  assert.deepEqual([code, stdout, stderr], [0, "one", ""]);
});

Deno.test("wsproxy shows why the agent refuses it", async () => {
  await using server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onmessage = () => {
          socket.send(JSON.stringify({ type: "refused", reason: "too many clients", retry: true }));
        };
      },
    },
    protocol: RESUME_SUBPROTOCOL,
  });
  await using wsproxy = start(server.url);
  const { code, stderr } = await wsproxy.result();
  assert.equal(code, 1);
  assert.equal(stderr, "wsproxy: the agent refused the connection: too many clients\n");
});

Deno.test("tunnel goes on after a cut, and logs it", async () => {
  await using server = startResumingServer();
  const args = ["0", server.url];
  await using tunnel = startEntry("tunnel.ts", args, { permissions: ["-N", "-E"] });
  const [, port] = await tunnel.waitFor(/listening on 127\.0\.0\.1:(\d+)/);
  using conn = await Deno.connect({ port: Number(port) });
  const trip = async (text: string) => {
    await conn.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(100);
    const count = await conn.read(buffer);
    assert.equal(new TextDecoder().decode(buffer.subarray(0, count!)), text);
  };
  await trip("one");
  server.proxy.cutAll();
  await tunnel.waitFor(/connection lost, reconnecting/);
  await tunnel.waitFor(/reconnected/);
  await trip("two");
});
