import assert from "node:assert/strict";
import { makeCertificate } from "../support/certificate.ts";
import { type ProgramOptions, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startWebSocketServer } from "../support/websocket_server.ts";

const test = requires("openssl");

/** A server with a certificate of its own CA that says hello and closes. */
async function serve() {
  const dir = new TempDir();
  const files = await makeCertificate(dir);
  const read = (path: string) => Deno.readTextFileSync(path);
  const server = startWebSocketServer({
    paths: {
      "/": (socket) => {
        socket.onmessage = ({ data }) => {
          socket.send(data);
          socket.close(1000);
        };
      },
    },
    tls: { cert: read(files.cert), key: read(files.key) },
  });
  return {
    ...server,
    ...files,
    dir,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Runs wsproxy with "hello" as input that stays open. */
async function wsproxy(args: string[], options: ProgramOptions & { permissions?: string[] } = {}) {
  const permissions = ["-N", "-E"];
  await using program = startEntry("wsproxy.ts", args, {
    permissions,
    interactive: true,
    ...options,
  });
  await program.write("hello").catch(() => {});
  const { code, stdout, stderr } = await program.result();
  return { code, stdout, stderr };
}

const hello = { code: 0, stdout: "hello", stderr: "" };

test({
  name: "wsproxy says that a server speaks TLS where the URL does not",
  async fn() {
    await using server = await serve();
    const url = `ws://127.0.0.1:${server.port}`;
    const why = "the server speaks TLS; try wss: or https:";
    const stderr = `wsproxy: cannot connect to "${url}/": ${why}\n`;
    assert.deepEqual(await wsproxy([url]), { code: 1, stdout: "", stderr });
  },
});

test({
  name: "wsproxy trusts the CA of --ca-file",
  async fn() {
    await using server = await serve();
    const permissions = ["-N", "-E", "-R"];
    for (const host of ["localhost", "127.0.0.1"]) {
      const url = `wss://${host}:${server.port}`;
      assert.deepEqual(await wsproxy(["--ca-file", server.ca, url], { permissions }), hello);
    }
  },
});

test({
  name: "wsproxy trusts what the machine trusts, unless DENO_TLS_CA_STORE says otherwise",
  async fn() {
    await using server = await serve();
    const env = { SSL_CERT_FILE: server.ca };
    assert.deepEqual(await wsproxy([server.url], { env }), hello);
    const mozilla = await wsproxy([server.url], { env: { ...env, DENO_TLS_CA_STORE: "mozilla" } });
    assert.equal(mozilla.code, 1);
  },
});

test({
  name: "wsproxy refuses a certificate of an unknown CA, and says what can be done",
  async fn() {
    await using server = await serve();
    await using other = new TempDir();
    const { ca } = await makeCertificate(other);
    const permissions = ["-N", "-E", "-R"];
    for (const args of [[], ["--ca-file", ca]]) {
      const { code, stderr } = await wsproxy([...args, server.url], { permissions });
      assert.equal(code, 1);
      assert.match(stderr, /^wsproxy: cannot connect to "wss:.*certificate is not trusted.*\n$/);
      assert.match(stderr, /--ca-file/);
      assert.match(stderr, /--insecure/);
    }
  },
});

test({
  name: "wsproxy refuses a certificate for another name",
  async fn() {
    await using server = await serve();
    const permissions = ["-N", "-E", "-R"];
    const url = `wss://127.0.0.2:${server.port}`;
    await using proxy = Deno.build.os === "linux" ? forward("127.0.0.2", server.port) : undefined;
    if (proxy === undefined) return console.log("skipped: 127.0.0.2 is an address on Linux only");
    const { code, stderr } = await wsproxy(["--ca-file", server.ca, url], { permissions });
    assert.equal(code, 1);
    assert.match(stderr, /certificate is not trusted: it is for another name/);
  },
});

/** Listens on another address with the same port. */
function forward(hostname: string, port: number): AsyncDisposable {
  const listener = Deno.listen({ hostname, port });
  const serving = (async () => {
    for await (const conn of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      await Promise.allSettled([
        conn.readable.pipeTo(server.writable),
        server.readable.pipeTo(conn.writable),
      ]);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

test({
  name: "wsproxy trusts anything with --insecure, and warns",
  async fn() {
    await using server = await serve();
    const { code, stdout, stderr } = await wsproxy(["--insecure", server.url]);
    assert.deepEqual([code, stdout], [0, "hello"]);
    assert.match(stderr, /^wsproxy: --insecure: .*\n$/);
  },
});

test({
  name: "wsproxy carries 10 MB both ways over TLS, with trust and without",
  async fn() {
    await using dir = new TempDir();
    const files = await makeCertificate(dir);
    const length = 10_000_000;
    let back = 0;
    await using server = startWebSocketServer({
      paths: {
        "/": (socket) => {
          back = 0;
          socket.onmessage = ({ data }) => {
            socket.send(data);
            back += data.byteLength;
            if (back === length) socket.close(1000);
          };
        },
      },
      tls: {
        cert: Deno.readTextFileSync(files.cert),
        key: Deno.readTextFileSync(files.key),
      },
    });
    const sent = Uint8Array.from({ length }, (_, i) => i ^ (i >> 8) ^ (i >> 16));
    for (const args of [["--ca-file", files.ca], ["--insecure"]]) {
      const permissions = ["-N", "-E", "-R"];
      await using program = startEntry("wsproxy.ts", [...args, server.url], {
        permissions,
        interactive: true,
      });
      await program.write(sent);
      const { code, bytes } = await program.result();
      assert.equal(code, 0);
      assert.equal(bytes.length, length);
      assert.ok(bytes.every((byte, i) => byte === sent[i]));
    }
  },
});

test({
  name: "wsproxy says what is wrong with --ca-file",
  async fn() {
    await using dir = new TempDir();
    const permissions = ["-N", "-E", "-R"];
    const missing = `${dir.path}/missing`;
    const empty = dir.write("empty", "");
    for (
      const [file, verb, why] of [
        [missing, "read", "no such file"],
        [empty, "use", "it has no PEM certificate"],
      ] as const
    ) {
      const { code, stderr } = await wsproxy(["--ca-file", file, "wss://127.0.0.1:1"], {
        permissions,
      });
      assert.equal(code, 1);
      assert.equal(stderr, `wsproxy: cannot ${verb} --ca-file "${file}": ${why}\n`);
    }
  },
});

test({
  name: "wsproxy says that a server does not speak TLS",
  async fn() {
    await using server = startWebSocketServer({ paths: {} });
    for (const args of [[], ["--insecure"]]) {
      const url = server.url.replace("ws:", "wss:");
      const { code, stderr } = await wsproxy([...args, url]);
      assert.equal(code, 1);
      assert.match(stderr, /the server does not speak TLS on this port; try ws: or http:\n$/);
    }
  },
});
