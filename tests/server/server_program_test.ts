/** The server as a process of its own, and behind nginx. */
import assert from "node:assert/strict";
import { startNginx } from "../support/nginx.ts";
import { Program, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startServerProgram, startTestServer } from "../support/server.ts";
import { pairUp, TestAgent, TestSocket } from "../support/test_socket.ts";

Deno.test("server.ts serves until SIGTERM, then ends with status 0", async () => {
  await using server = await startServerProgram(["--drain", "60s"]);
  assert.equal(await (await fetch(`${server.url}/healthz`)).text(), "ok\n");
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  server.program.kill("SIGTERM");
  assert.deepEqual(await agent.control.nextMessage(), { type: "draining" });
  pair.client.close();
  const { code, stdout, stderr } = await server.program.result();
  assert.equal(code, 0);
  assert.equal(stdout, "");
  const events = stderr.trim().split("\n").map((line) => JSON.parse(line).event);
  assert.deepEqual(events, [
    "listening",
    "agent registered",
    "client paired",
    "draining",
    "client gone",
    "agent gone",
    "ended",
  ]);
});

Deno.test({
  name: "server.ts leaves its port to the next server at SIGTERM; open pairs go on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using former = await startServerProgram(["--drain", "60s", "--ssh-port", "0"]);
    const [, sshPort] = await former.program.waitFor(/"listening for ssh".*"port":(\d+)/);
    await using agent = await TestAgent.register(former.ws, "job");
    await using pair = await pairUp(agent);
    former.program.kill("SIGTERM");
    assert.deepEqual(await agent.control.nextMessage(), { type: "draining" });
    const { port } = former;
    await using next = await startServerProgram(["--port", `${port}`, "--ssh-port", sshPort!]);
    assert.equal(next.port, port);
    await using moved = await TestAgent.register(next.ws, "job");
    await using other = await pairUp(moved);
    for (const { client, data } of [pair, other]) {
      client.send(new Uint8Array(3));
      assert.deepEqual(await data.bytes(3), new Uint8Array(3));
    }
    pair.client.close();
    const { code, stderr } = await former.program.result();
    assert.equal(code, 0);
    assert.doesNotMatch(stderr, /listening again|"level":"error"/);
    other.client.send(new Uint8Array(4));
    assert.deepEqual(await other.data.bytes(4), new Uint8Array(4));
  },
});

Deno.test("server.ts ends with status 0 at SIGTERM though a pair stays open", async () => {
  await using server = await startServerProgram(["--drain", "0s"]);
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  server.program.kill("SIGTERM");
  assert.equal((await pair.client.closed).code, 1001);
  assert.equal((await server.program.result()).code, 0);
});

Deno.test("server.ts ends at once when Ctrl-C is pressed again, with status 0", async () => {
  await using server = await startServerProgram(["--drain", "1h"]);
  await using agent = await TestAgent.register(server.ws, "job");
  await using pair = await pairUp(agent);
  // The first ones count as one: npx and deno task pass on what the terminal has sent already.
  const pressing = setInterval(() => server.program.kill("SIGINT"), 100);
  try {
    assert.equal((await pair.client.closed).code, 1001);
    const { code, stderr } = await server.program.result();
    assert.equal(code, 0);
    const { time: from } = JSON.parse(/^.*"draining".*$/m.exec(stderr)![0]);
    const { time: to } = JSON.parse(/^.*"ended".*$/m.exec(stderr)![0]);
    assert.ok(Date.parse(to) - Date.parse(from) > 900);
  } finally {
    clearInterval(pressing);
  }
});

Deno.test("server.ts takes wrong use for one line and status 2", async () => {
  for (const args of [["--port", "x"], ["--nonsense"], ["--password-file", "/nonexistent"]]) {
    await using program = startEntry("server.ts", args);
    const { code, stdout, stderr } = await program.result();
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^server: [^\n]+\n$/);
  }
});

Deno.test("server.ts ends with status 1 and one line if the port is in use", async () => {
  await using server = await startTestServer();
  const args = ["--host", "127.0.0.1", "--port", `${server.port}`];
  await using program = startEntry("server.ts", args);
  const { code, stderr } = await program.result();
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `server: cannot listen on 127.0.0.1:${server.port}: ` +
      "the port is in use; choose another one with --port\n",
  );
});

Deno.test("server.ts takes its secrets from the environment and shows them nowhere", async () => {
  const env = { CONVERGE_PASSWORD: "sesame-1", CONVERGE_AGENT_TOKEN: "sesame-2" };
  await using server = await startServerProgram(["--log-level", "debug"], { env });
  await using agent = await TestAgent.register(server.ws, "job", { token: "sesame-2" });
  assert.ok(agent.registered.password);
  await using refused = await TestAgent.register(server.ws, "job", { token: "sesame-3" });
  assert.match(JSON.stringify(refused.registered), /wrong token/);
  server.program.kill();
  const { stdout, stderr } = await server.program.result();
  assert.doesNotMatch(stdout + stderr, /sesame/);
});

Deno.test("server.ts shows its version and its options", async () => {
  await using version = startEntry("server.ts", ["--version"]);
  assert.match((await version.result()).stdout, /^\d+\.\d+\.\d+\n$/);
  await using help = startEntry("server.ts", ["--help"]);
  const { code, stdout } = await help.result();
  assert.equal(code, 0);
  assert.match(stdout, /--max-clients-per-agent <n>/);
});

/** nginx on a free port, which hands `/converge/` on to a server at `port`. */
async function startProxy(dir: TempDir, port: number): Promise<{ url: string } & AsyncDisposable> {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = (probe.addr as Deno.NetAddr).port;
  probe.close();
  const nginx = await startNginx(
    dir,
    `map $http_upgrade $connection_upgrade { default upgrade; "" close; }
    server {
      listen 127.0.0.1:${listen};
      location /converge/ {
        proxy_pass http://127.0.0.1:${port}/;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Prefix /converge;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      }
    }`,
  );
  return {
    url: `http://127.0.0.1:${listen}/converge`,
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}

requires("nginx")({
  name: "behind nginx the site has the public address, and websockets pass",
  fn: async () => {
    await using dir = new TempDir();
    await using server = await startTestServer({ trustProxy: true }, {
      pages: (_request, site) => Response.json(site),
    });
    await using nginx = await startProxy(dir, server.port);
    const site = await (await fetch(`${nginx.url}/usage`)).json();
    assert.equal(site.http, nginx.url.replace("http:", "https:"));
    assert.equal(site.ws, nginx.url.replace("http:", "wss:"));
    assert.equal(site.base, "/converge");
    const ws = nginx.url.replace("http:", "ws:");
    await using agent = await TestAgent.register(ws, "job");
    const data = await agent.park();
    await using client = await TestSocket.open(`${ws}/client/job`, {
      headers: { "x-forwarded-for": "198.51.100.7" },
    });
    const paired = await data.nextMessage();
    // What nginx wrote itself counts, not what the client invented.
    assert.deepEqual(paired, { type: "paired", client: { key: 1, address: "127.0.0.1" } });
    client.send(new TextEncoder().encode("through"));
    assert.equal(new TextDecoder().decode(await data.bytes(7)), "through");
  },
});

Deno.test({
  name: "server.ts survives more connections than there are file descriptors",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const entry = new URL("../../server.ts", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", entry, "--host", "127.0.0.1", "--port", "0"];
    await using program = new Program("sh", [
      "-c",
      'ulimit -n 1024 && exec "$0" "$@"',
      Deno.execPath(),
      ...args,
    ]);
    const [, port] = await program.waitFor(/listening.* port=(\d+)/);
    const address = { hostname: "127.0.0.1", port: Number(port) };
    const connections: Deno.Conn[] = [];
    for (let i = 0; i < 1_500; i++) {
      await Deno.connect(address).then((connection) => connections.push(connection), () => {});
    }
    for (const connection of connections) connection.close();
    // Until it listens again there is no answer.
    let answer: string | undefined;
    while (answer === undefined) {
      const times = program.stderr.split("listening again").length;
      answer = await fetch(`http://127.0.0.1:${port}/healthz`).then((response) => response.text())
        .catch(() => undefined);
      if (answer === undefined) {
        await program.waitFor(new RegExp(`(listening again[^]*){${times}}`));
      }
    }
    assert.equal(answer, "ok\n");
  },
});
