import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { HALF_CLOSE_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { type Program, type ProgramOptions, startEntry } from "../support/program.ts";
import { startRawServer, upgrade } from "../support/raw_websocket_server.ts";
import { type Behaviour, echo, startWebSocketServer } from "../support/websocket_server.ts";
import { ROOT } from "../support/root.ts";

const WSPROXY = join(ROOT, "wsproxy.ts");

/** wsproxy as the usage page has people call it: with access to the network and nothing else. */
function start(args: string[], options?: ProgramOptions): Program {
  return startEntry("wsproxy.ts", args, { ...options, permissions: ["-N", "-E"] });
}

/** wsproxy with its three streams in the hands of the test. */
function spawn(...args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "-N", "-E", WSPROXY, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    child,
    async [Symbol.asyncDispose]() {
      for (const stream of [child.stdin, child.stdout, child.stderr]) {
        if (stream.locked) continue;
        await ("abort" in stream ? stream.abort() : stream.cancel()).catch(() => {});
      }
      await child.status;
    },
  };
}

function serve(behave: Behaviour, protocol?: string) {
  return startWebSocketServer({ paths: { "/": behave }, protocol });
}

const random = (length: number) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
};

Deno.test("wsproxy carries 10 MB both ways, with a server that knows nothing of us", async () => {
  const sent = random(10_000_000);
  let back = 0;
  await using server = serve((socket) => {
    socket.onmessage = ({ data }) => {
      socket.send(data);
      back += data.byteLength;
      if (back === sent.length) socket.close(1000);
    };
  });
  await using wsproxy = start([server.url], { interactive: true });
  await wsproxy.write(sent);
  const { code, bytes, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(Buffer.from(sent).equals(bytes));
});

Deno.test("wsproxy sends all of its input before it closes", async () => {
  const sent = random(10_000_000);
  const chunks: ArrayBuffer[] = [];
  const closed = Promise.withResolvers<CloseEvent>();
  await using server = serve((socket) => {
    socket.onmessage = ({ data }) => chunks.push(data);
    socket.onclose = closed.resolve;
  });
  await using wsproxy = start([server.url], { input: sent });
  assert.equal((await closed.promise).code, 1000);
  assert.ok(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))).equals(sent));
  assert.equal((await wsproxy.result()).code, 0);
});

Deno.test("wsproxy keeps half-close: the answer comes after the end of its input", async () => {
  await using server = serve((socket) => {
    const chunks: ArrayBuffer[] = [];
    socket.onmessage = ({ data }) => {
      if (data !== "eof") return chunks.push(data);
      for (const chunk of chunks) socket.send(chunk);
      socket.send("eof");
    };
  }, HALF_CLOSE_SUBPROTOCOL);
  const sent = random(1_000_000);
  await using wsproxy = start([server.url], { input: sent });
  const { code, bytes, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(Buffer.from(sent).equals(bytes));
});

Deno.test("wsproxy goes on sending after the server's end", async () => {
  const messages: string[] = [];
  await using server = serve((socket) => {
    socket.onopen = () => {
      socket.send(new TextEncoder().encode("done"));
      socket.send("eof");
    };
    socket.onmessage = ({ data }) =>
      messages.push(typeof data === "string" ? data : new TextDecoder().decode(data));
  }, HALF_CLOSE_SUBPROTOCOL);
  await using wsproxy = start([server.url], { interactive: true });
  await wsproxy.waitFor(/done/);
  await wsproxy.write("more");
  await wsproxy.closeInput();
  const { code, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(messages, ["more", "eof"]);
});

Deno.test("wsproxy ends after the server's end when its input stays silent, as that of ssh does", async () => {
  await using server = serve((socket) => {
    socket.onopen = () => socket.send("eof");
  }, HALF_CLOSE_SUBPROTOCOL);
  await using wsproxy = start([server.url], { interactive: true });
  const { code, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("wsproxy ends when the server closes, whatever its input does", async () => {
  await using server = serve((socket) => {
    socket.onopen = () => {
      socket.send(new TextEncoder().encode("bye"));
      socket.close(1001);
    };
  });
  await using wsproxy = start([server.url], { interactive: true });
  const { code, stdout, stderr } = await wsproxy.result();
  assert.deepEqual([code, stdout, stderr], [0, "bye", ""]);
});

Deno.test("wsproxy says why the server refused", async () => {
  await using server = serve(echo);
  const { code, stdout, stderr } = await start([`${server.url}/client/x?a=b`]).result();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    `wsproxy: cannot connect to "${server.url}/client/x": there is nothing here (404)\n`,
  );
});

Deno.test("wsproxy says why the server closed", async () => {
  await using server = serve((socket) => {
    socket.onopen = () => socket.close(4001, "the client is too slow");
  });
  await using wsproxy = start([server.url], { interactive: true });
  const { code, stderr } = await wsproxy.result();
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "wsproxy: the server closed the connection: the client is too slow (4001)\n",
  );
});

Deno.test("wsproxy ends with an error when the connection is lost", async () => {
  await using server = startRawServer(async (conn) => {
    await upgrade(conn);
  });
  await using wsproxy = start([server.url.href], { interactive: true });
  const { code, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [1, "wsproxy: the connection was lost\n"]);
});

Deno.test("wsproxy says that nothing listens, within one line", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://ann:secret@127.0.0.1:${listener.addr.port}/x`;
  listener.close();
  const { code, stderr } = await start([url]).result();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^wsproxy: cannot connect to "ws:\/\/127.0.0.1:\d+\/x": connection refused; check .*\n$/,
  );
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`wsproxy ends cleanly with ${signal}`, async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    await using server = serve((socket) => {
      socket.onopen = () => socket.send(new TextEncoder().encode("hello"));
      socket.onclose = closed.resolve;
    });
    await using wsproxy = start([server.url], { interactive: true });
    await wsproxy.waitFor(/hello/);
    wsproxy.kill(signal);
    const { code, stderr } = await wsproxy.result();
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal((await closed.promise).code, 1001);
  });
}

Deno.test("wsproxy ends at once with a signal while it still connects", async () => {
  const reached = Promise.withResolvers<void>();
  await using server = startRawServer(async (conn) => {
    reached.resolve();
    while (await conn.read(new Uint8Array(4096)) !== null);
  });
  await using wsproxy = start([server.url.href], { interactive: true });
  await reached.promise;
  wsproxy.kill("SIGTERM");
  const { code, stderr } = await wsproxy.result();
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("wsproxy ends when its output is closed", async () => {
  await using server = serve((socket) => {
    const timer = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send(new Uint8Array(1000));
    }, 5);
    socket.onclose = () => clearInterval(timer);
  });
  await using wsproxy = spawn(server.url);
  const output = wsproxy.child.stdout.getReader();
  await output.read();
  await output.cancel();
  assert.equal(
    await new Response(wsproxy.child.stderr).text(),
    "wsproxy: cannot write to standard output: its reader has closed it\n",
  );
  assert.equal((await wsproxy.child.status).code, 1);
});

Deno.test("wsproxy sends headers and never shows them", async () => {
  const heads: string[] = [];
  await using server = startRawServer(async (conn) => {
    heads.push(await upgrade(conn));
  });
  const args = ["--header", "Authorization: Bearer secret", "--header", "X-Two: 2"];
  const { stderr } = await start([...args, server.url.href]).result();
  assert.match(heads[0]!, /\r\nauthorization: Bearer secret\r\n/i);
  assert.match(heads[0]!, /\r\nx-two: 2\r\n/i);
  assert.doesNotMatch(stderr, /secret/);
});

Deno.test("wsproxy rejects wrong use with status 2, and helps", async () => {
  const wrong = await start(["nowhere"]).result();
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^wsproxy: .*"nowhere" is not a URL.*\n$/);
  const help = await start(["--help"]).result();
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: wsproxy \[options\] \[command\] <url> \[host\]/);
  const version = await start(["--version"]).result();
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

Deno.test("wsproxy works from another directory", async () => {
  await using server = serve((socket) => {
    socket.onopen = () => socket.close(1000);
  });
  const { code, stderr } = await start([server.url], { cwd: "/" }).result();
  assert.deepEqual([code, stderr], [0, ""]);
});
