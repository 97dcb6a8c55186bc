/** The reverse proxies of docs/operate in front of a real server. */
import assert from "node:assert/strict";
import { makeCertificate } from "../support/certificate.ts";
import { sendEndlessMessage, upgrade } from "../support/endless_message.ts";
import { startNginx } from "../support/nginx.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type ServerProgram, startServerProgram } from "../support/server.ts";
import { TestAgent, TestSocket } from "../support/test_socket.ts";
import { adapt, freePort, operateFile } from "./support.ts";

/** Checks that all the server has works through the proxy at `url`. */
async function checkProxy(server: ServerProgram, url: string, ca?: string): Promise<void> {
  using client = Deno.createHttpClient({ caCerts: ca ? [ca] : [] });
  const lies = {
    forwarded: "for=198.51.100.7;host=evil.example;proto=gopher",
    "x-forwarded-for": "198.51.100.8",
    "x-forwarded-host": "evil.example",
    "x-forwarded-prefix": "/evil",
  };
  const usage = await fetch(`${url}/usage`, { client, headers: lies });
  const page = await usage.text();
  const ws = url.replace("http", "ws");
  assert.ok(page.includes(ws), "the page has the public address");
  assert.doesNotMatch(page, /evil/);

  await using agent = await TestAgent.register(server.ws, "job");
  const data = await agent.park();
  await using socket = await TestSocket.open(`${ws}/client/job`, {
    ca,
    halfClose: true,
    headers: lies,
  });
  assert.deepEqual(await data.nextMessage(), {
    type: "paired",
    client: { key: 1, address: "127.0.0.1" },
  });
  assert.equal(socket.socket.protocol, "half-close.converge");
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  socket.send(bytes);
  assert.deepEqual(await data.bytes(bytes.length), bytes);
  data.send(bytes);
  assert.deepEqual(await socket.bytes(bytes.length), bytes);

  // Events come at once, though the answer never ends.
  const live = await fetch(`${url}/api/sessions/events`, { client });
  const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
  let events = "";
  while (!events.includes("data: ")) events += (await reader.read()).value;
  await reader.cancel();
}

requires("nginx")({
  name: "nginx.conf puts nginx in front, with TLS",
  fn: async () => {
    await using dir = new TempDir();
    await using server = await startServerProgram(["--trust-proxy"]);
    const { ca, cert, key } = await makeCertificate(dir);
    const port = freePort();
    const site = dir.write(
      "converge.conf",
      adapt(operateFile("nginx.conf"), {
        "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
        "/etc/ssl/converge/cert.pem": cert,
        "/etc/ssl/converge/key.pem": key,
        "127.0.0.1:8000": `127.0.0.1:${server.port}`,
      }),
    );
    await using _nginx = await startNginx(dir, `include ${site};`);
    await checkProxy(server, `https://localhost:${port}`, Deno.readTextFileSync(ca));
  },
});

requires("caddy")({
  name: "Caddyfile puts Caddy in front",
  fn: async () => {
    await using dir = new TempDir();
    await using server = await startServerProgram(["--trust-proxy"]);
    const env = { HOME: dir.path, XDG_DATA_HOME: dir.path, XDG_CONFIG_HOME: dir.path };
    const validate = async (name: string, text: string) => {
      const args = ["--adapter", "caddyfile", "--config", dir.write(name, text)];
      const { code, stderr } = await run("caddy", ["validate", ...args], { env });
      assert.equal(code, 0, stderr);
      return args;
    };
    await validate("original", operateFile("Caddyfile"));
    const url = `http://localhost:${freePort()}`;
    const text = adapt(operateFile("Caddyfile"), {
      "{\n\tservers": "{\n\tadmin off\n\tservers",
      "{$CONVERGE_SITE:converge.example} {": `${url} {\n\tbind 127.0.0.1`,
      "127.0.0.1:8000": `127.0.0.1:${server.port}`,
    });
    await using caddy = new Program("caddy", ["run", ...await validate("Caddyfile", text)], {
      env,
    });
    await caddy.waitFor(/serving initial configuration/);
    await checkProxy(server, url);
  },
});

requires("nginx")({
  name: "behind nginx a flood is ended, and not the honest pair that comes by the same proxy",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using dir = new TempDir();
    await using server = await startServerProgram(["--trust-proxy"]);
    const port = freePort();
    await using _nginx = await startNginx(
      dir,
      `server { listen 127.0.0.1:${port}; location / {
        proxy_pass http://127.0.0.1:${server.port}; proxy_http_version 1.1; lingering_close off;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        proxy_set_header X-Forwarded-For $remote_addr; } }`,
    );
    await using agent = await TestAgent.register(`ws://127.0.0.1:${port}`, "job");
    const data = await agent.park();
    await using client = await TestSocket.open(`ws://127.0.0.1:${port}/client/job`);
    await data.nextMessage();
    let flooding = true;
    const flooded = Promise.all(Array.from({ length: 4 }, async () => {
      using connection = await upgrade(port, "/client/other?wait=5m");
      await sendEndlessMessage(connection);
    })).finally(() => flooding = false);
    let echoes = 0;
    while (flooding || echoes === 0) {
      client.send(new Uint8Array([1, 2, 3]));
      assert.deepEqual(await data.bytes(3), new Uint8Array([1, 2, 3]));
      echoes++;
    }
    await flooded;
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    assert.match(metrics, /^converge_connections_dropped_total{reason="message-too-long"} 4$/m);
    assert.match(metrics, /^converge_pairs 1$/m);
  },
});
