import assert from "node:assert/strict";
import { makeCertificate } from "../support/certificate.ts";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type Behaviour, startWebSocketServer } from "../support/websocket_server.ts";

const test = requires("openssl");

const hello: Behaviour = (socket) => {
  socket.onopen = () => {
    socket.send(new TextEncoder().encode("hello"));
    socket.close(1000);
  };
};

async function wsproxy(args: string[], env: Record<string, string>) {
  await using program = startEntry("wsproxy.ts", args, {
    permissions: ["-N", "-E", "-R"],
    interactive: true,
    env,
  });
  const { code, stdout, stderr } = await program.result();
  return { code, stdout, stderr };
}

Deno.test("wsproxy goes through the proxy of HTTP_PROXY, with its login", async () => {
  await using server = startWebSocketServer({ paths: { "/": hello } });
  for (const login of [undefined, "ann:p@ss"]) {
    await using proxy = startConnectProxy(login);
    const user = login === undefined ? "" : "ann:p%40ss@";
    const env = { HTTP_PROXY: `http://${user}127.0.0.1:${proxy.port}` };
    assert.deepEqual(await wsproxy([server.url], env), { code: 0, stdout: "hello", stderr: "" });
    assert.deepEqual(proxy.asked, [`127.0.0.1:${server.port}`]);
  }
});

Deno.test("wsproxy leaves the proxy out for hosts in NO_PROXY", async () => {
  await using server = startWebSocketServer({ paths: { "/": hello } });
  await using proxy = startConnectProxy();
  const env = { http_proxy: `http://127.0.0.1:${proxy.port}`, NO_PROXY: "localhost,127.0.0.1" };
  assert.equal((await wsproxy([server.url], env)).stdout, "hello");
  assert.deepEqual(proxy.asked, []);
});

Deno.test("wsproxy says that the proxy refuses, without its password", async () => {
  await using server = startWebSocketServer({ paths: { "/": hello } });
  await using proxy = startConnectProxy("ann:right");
  const env = { HTTP_PROXY: `http://ann:wrong@127.0.0.1:${proxy.port}` };
  assert.deepEqual(await wsproxy([server.url], env), {
    code: 1,
    stdout: "",
    stderr: `wsproxy: cannot connect to "${server.url}/": the proxy 127.0.0.1:${proxy.port}: ` +
      "Proxy Authentication Required (407)\n",
  });
});

Deno.test("wsproxy says that the proxy is not there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const env = { ALL_PROXY: `http://ann:secret@127.0.0.1:${port}` };
  const { code, stderr } = await wsproxy(["ws://example.org/x"], env);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `wsproxy: cannot connect to "ws://example.org/x": the proxy 127.0.0.1:${port}: ` +
      "connection refused; check the port, and that the server runs\n",
  );
});

test({
  name: "wsproxy speaks TLS through the proxy of HTTPS_PROXY",
  async fn() {
    await using dir = new TempDir();
    const files = await makeCertificate(dir);
    await using server = startWebSocketServer({
      paths: { "/": hello },
      tls: { cert: Deno.readTextFileSync(files.cert), key: Deno.readTextFileSync(files.key) },
    });
    await using proxy = startConnectProxy();
    const env = { HTTPS_PROXY: `127.0.0.1:${proxy.port}` };
    for (const args of [["--ca-file", files.ca], ["--insecure"]]) {
      const url = `wss://localhost:${server.port}`;
      assert.equal((await wsproxy([...args, url], env)).stdout, "hello");
    }
    assert.deepEqual(proxy.asked, Array(2).fill(`localhost:${server.port}`));
  },
});
