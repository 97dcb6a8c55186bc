/** How agents and clients find each other: IDs, restarts, waiting, other people's tools. */
import assert from "node:assert/strict";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { startEntry, TempDir } from "../support/program.ts";
import { startRawServer } from "../support/raw_websocket_server.ts";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

const test = requires("ssh");

test("an ID that is taken is replaced, and the agent says so", async () => {
  await using world = await World.start();
  const first = await world.startAgent({ id: "job" }).announced();
  assert.equal(first.id, "job");
  const agent = world.startAgent({ id: "job", json: false });
  const [, id] = await agent.program.waitFor(/log in to the job (\S+)/);
  assert.notEqual(id, "job");
  await agent.program.waitFor(/Another agent has the ID job/);
  const [, hostKey] = await agent.program.waitFor(
    /KnownHostsCommand="\/bin\/echo \S+ (ssh-ed25519 \S+)"/,
  );
  const announced = { ...first, id: id!, hostKey: hostKey! };
  const { stdout } = await world.ssh(announced, ["echo $CONVERGE_ID"]);
  assert.equal(stdout.trim(), id);
});

test("an agent that ends frees its ID at once, for the next run of the job", async () => {
  await using world = await World.start();
  for (const _run of [1, 2]) {
    const agent = world.startAgent({ id: "job" });
    assert.equal((await agent.announced()).id, "job");
    agent.program.kill("SIGTERM");
    await agent.program.result();
  }
});

test("without --id the agent gets a random one, and it works", async () => {
  await using world = await World.start();
  const [one, two] = await Promise.all([
    world.startAgent().announced(),
    // As CI systems set it for an input that was left out.
    world.startAgent({ env: { CONVERGE_ID: "" } }).announced(),
  ]);
  assert.match(one.id, /^[a-z0-9]{16}$/);
  assert.notEqual(one.id, two.id);
  assert.equal((await world.ssh(one, ["echo $CONVERGE_ID"])).stdout.trim(), one.id);
});

test("a bad ID is wrong use", async () => {
  await using world = await World.start();
  const { code, stderr } = await world.startAgent({ id: "a/b" }).program.result();
  assert.equal(code, 2);
  assert.match(stderr, /^agent: .*"a\/b" is not 1 to 64 letters/);
});

Deno.test("agent without arguments prints all options", async () => {
  await using program = startEntry("agent.ts", []);
  const { code, stdout, stderr } = await program.result();
  // In a job, a variable without a value must not look like success.
  assert.deepEqual([code, stderr.split("\n").length], [2, 2]);
  for (const option of ["--id", "--authorized-keys", "--expiry", "--hold", "--json"]) {
    assert.ok(stdout.includes(option), option);
  }
});

test("an agent that cannot reach the server ends with 1 and says why", async () => {
  await using world = await World.start(["--base-path", "/elsewhere"]);
  const { code, stderr } = await world.startAgent().program.result();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /agent: cannot register at ws:\/\/127\.0\.0\.1:\d+: no Converge server answers there \(404 .*\); check the address and its path\n$/,
  );
});

test("an agent says at once what is wrong with an address that can never do", async () => {
  await using world = await World.start();
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }),
  );
  await using mail = startRawServer(async (conn) => {
    await conn.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
  });
  for (
    const [url, why] of [
      [`${world.url}/wrong`, /\/wrong: no Converge server answers there \(404 /],
      [`http://127.0.0.1:${other.addr.port}`, /no Converge server answers there \(200 OK\)/],
      [world.url.replace("ws:", "wss:"), /does not speak TLS on this port; try ws: or http:/],
      [mail.url.href, /the answer is not HTTP/],
    ] as const
  ) {
    const { code, stderr } = await world.startAgent({ url }).program.result();
    assert.equal(code, 1, stderr);
    assert.match(stderr, why);
    assert.doesNotMatch(stderr, /trying again/);
  }
});

test("the server is killed and started again", async (t) => {
  await using world = await World.start();
  const agent = world.startAgent({ id: "job" });
  const announced = await agent.announced();

  world.server.kill("SIGKILL");
  await world.server.result();
  await world.startServer();
  await world.server.waitFor(/"event":"agent registered".*"id":"job"/);

  await t.step("the agent is back under its ID", async () => {
    assert.equal((await world.ssh(announced, ["echo $CONVERGE_ID"])).stdout, "job\n");
  });
  await t.step("a second agent cannot take its ID", async () => {
    const second = await world.startAgent({ id: "job" }).announced();
    assert.notEqual(second.id, "job");
    assert.equal((await world.ssh(announced, ["echo $CONVERGE_ID"])).stdout, "job\n");
  });
});

test("an agent gets its ID back from another that was faster after a restart", async () => {
  await using state = new TempDir();
  const args = ["--state-dir", state.path];
  await using world = await World.start(args);
  const first = world.startAgent({ id: "job" });
  const announced = await first.announced();
  const second = await (async () => {
    first.program.kill("SIGSTOP");
    try {
      world.server.kill("SIGKILL");
      await world.server.result();
      await world.startServer(args);
      const agent = world.startAgent({ id: "job" });
      assert.equal((await agent.announced()).id, "job");
      return agent;
    } finally {
      first.program.kill("SIGCONT");
    }
  })();
  const moved = await second.announced(/^\{"id":"(?!job").*\}$/m);
  for (const agent of [announced, moved]) {
    assert.equal((await world.ssh(agent, ["echo $CONVERGE_ID"])).stdout, `${agent.id}\n`);
  }
});

test("a client for an unknown ID", async (t) => {
  await using world = await World.start(["--log-level", "debug"]);

  await t.step("gets the server's reason, and wsproxy ends with 1", async () => {
    const { code, stderr } = await world.startWsproxy("nobody").result();
    assert.equal(code, 1);
    assert.match(stderr, /^wsproxy: .*nobody.*\n$/);
  });
  await t.step("with ?wait=1m it gets in when the agent appears", async () => {
    const proxy = world.startWsproxy("late?wait=1m", { interactive: true });
    await world.server.waitFor(/"event":"client waits"/);
    await world.startAgent({ id: "late" }).announced();
    await proxy.waitFor(/^SSH-2\.0-/);
  });
});

test("agents and clients find a server below a base path, through the proxy of HTTP_PROXY", async () => {
  await using world = await World.start(["--base-path", "/tools"]);
  await using proxy = startConnectProxy("ann:p@ss");
  const env = { HTTP_PROXY: `http://ann:p%40ss@127.0.0.1:${proxy.port}`, NO_PROXY: "" };
  const agent = await world.startAgent({ url: `${world.url}/tools/`, env }).announced();
  const proxyCommand = world.proxyCommand(agent.id).replace(world.url, `${world.url}/tools`);
  const result = await world.ssh(agent, [`-oProxyCommand=${proxyCommand}`, "echo in"], { env });
  assert.equal(result.stdout, "in\n", result.stderr);
  // The agent's control connection, those that it parks, and the client's.
  assert.ok(proxy.asked.length >= 4, `${proxy.asked}`);
  assert.deepEqual([...new Set(proxy.asked)], [new URL(world.url).host]);
});

requires("ssh", "websockets")("another websocket tool works in wsproxy's place", async () => {
  await using world = await World.start();
  const agent = await world.startAgent().announced();
  const script = world.home.write(
    "proxy.py",
    `
import asyncio, os, sys, websockets

async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async def up():
            while data := await reader.read(65536):
                await ws.send(data)
            await ws.close()
        task = asyncio.create_task(up())
        async for data in ws:
            os.write(1, data)
        task.cancel()

asyncio.run(main())
`,
  );
  const proxy = `-oProxyCommand=/usr/bin/python3 ${script} ${world.url}/client/${agent.id}`;
  const input = crypto.getRandomValues(new Uint8Array(60_000));
  const result = await world.ssh(agent, [proxy, "cat; exit 5"], { input });
  assert.equal(result.code, 5, result.stderr);
  assert.deepEqual(result.bytes, input);
});
