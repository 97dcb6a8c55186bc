/** The balancers of docs/operate/cluster in front of real nodes. */
import assert from "node:assert/strict";
import { connectWebSocket } from "../../lib/wire/websocket/websocket.ts";
import { makeCertificate } from "../support/certificate.ts";
import { EchoAgent, NodeProgram } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { startNginx } from "../support/nginx.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";
import { requires } from "../support/requires.ts";
import { scrape } from "../torture/many/metrics.ts";
import { adapt, freePort, operateFile } from "./support.ts";

const IDS = Array.from({ length: 12 }, (_, i) => `job-${i}`);

/** Agents and clients that meet at one node each, and go on when a node is killed. */
async function checkBalancer(nodes: NodeProgram[], ws: string, ca?: string): Promise<void> {
  await using agents = new AsyncDisposableStack();
  for (const id of IDS) {
    const agent = agents.use(await EchoAgent.start(ws, id, { ca }));
    assert.equal(agent.id, id);
  }
  const visit = async (id: string) => {
    const client = await connectWebSocket(new URL(`${ws}/client/${id}?wait=1m`), { ca });
    await client.send(Uint8Array.of(42));
    assert.deepEqual(await client.receive(), Uint8Array.of(42));
    const links = await Promise.all(nodes.map(async ({ url }) => {
      const metrics = await scrape(url).catch(() => new Map());
      return metrics.get("converge_cluster_links") ?? 0;
    }));
    client.close();
    await client.closed;
    return links.reduce((sum, count) => sum + count, 0);
  };
  for (const id of IDS) assert.equal(await visit(id), 0, `${id} needs a hop`);
  const counts = await Promise.all(nodes.map(async ({ url }) => {
    return (await scrape(url)).get('converge_agents{state="connected"}')!;
  }));
  assert.ok(counts.every((count) => count > 0), `${counts}`);
  nodes[0]!.program.kill("SIGKILL");
  for (const id of IDS) await visit(id);
}

async function startTwo(redis: TestRedis): Promise<NodeProgram[]> {
  const args = ["--trust-proxy"];
  const starting = [1, 2].map(() => NodeProgram.start(redis, { args }));
  const nodes = await Promise.all(starting);
  await eventually(async () => {
    const response = await fetch(`${nodes[0]!.url}/client/nobody`);
    await response.body?.cancel();
    return response.status === 404;
  }, () => "the directory does not settle");
  return nodes;
}

requires("nginx", "redis-server")("cluster/nginx.conf balances by ID", async () => {
  await using redis = await TestRedis.start();
  await using dir = new TempDir();
  const nodes = await startTwo(redis);
  await using stack = new AsyncDisposableStack();
  for (const node of nodes) stack.use(node);
  const { ca, cert, key } = await makeCertificate(dir);
  const port = freePort();
  const site = dir.write(
    "converge.conf",
    adapt(operateFile("cluster/nginx.conf"), {
      "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
      "/etc/ssl/converge/cert.pem": cert,
      "/etc/ssl/converge/key.pem": key,
      "10.0.0.1:8000": `127.0.0.1:${nodes[0]!.port}`,
      "10.0.0.2:8000": `127.0.0.1:${nodes[1]!.port}`,
    }),
  );
  await using _nginx = await startNginx(dir, `include ${site};`);
  await checkBalancer(nodes, `wss://localhost:${port}`, Deno.readTextFileSync(ca));
});

requires("caddy", "redis-server")("cluster/Caddyfile balances by ID", async () => {
  await using redis = await TestRedis.start();
  await using dir = new TempDir();
  const nodes = await startTwo(redis);
  await using stack = new AsyncDisposableStack();
  for (const node of nodes) stack.use(node);
  const env = { HOME: dir.path, XDG_DATA_HOME: dir.path, XDG_CONFIG_HOME: dir.path };
  const port = freePort();
  const text = adapt(operateFile("cluster/Caddyfile"), {
    "{\n\tservers": "{\n\tadmin off\n\tservers",
    "{$CONVERGE_SITE:converge.example} {": `http://localhost:${port} {\n\tbind 127.0.0.1`,
    "10.0.0.1:8000 10.0.0.2:8000": nodes.map(({ port }) => `127.0.0.1:${port}`).join(" "),
  });
  const args = ["--adapter", "caddyfile", "--config", dir.write("Caddyfile", text)];
  const { code, stderr } = await run("caddy", ["validate", ...args], { env });
  assert.equal(code, 0, stderr);
  await using caddy = new Program("caddy", ["run", ...args], { env });
  await caddy.waitFor(/serving initial configuration/);
  await checkBalancer(nodes, `ws://localhost:${port}`);
});
