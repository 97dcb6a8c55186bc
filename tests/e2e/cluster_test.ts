/** Three servers under one name, a real Redis, real agents and ssh; and what may fail of it. */
import assert from "node:assert/strict";
import { Balancer } from "../support/balancer.ts";
import { NodeProgram, PEER_KEY, TEST_TIMING } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { TestRedis } from "../support/redis.ts";
import { requires } from "../support/requires.ts";
import { type Agent, type AgentStart, type Announced, World } from "../support/world.ts";

const test = requires("redis-server", "ssh");

/** Three nodes with a balancer before them. */
class Cluster implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  redis!: TestRedis;
  nodes!: NodeProgram[];
  balancer!: Balancer;
  world!: World;

  static async start(timing: typeof TEST_TIMING = TEST_TIMING): Promise<Cluster> {
    const cluster = new Cluster();
    const stack = cluster.#stack;
    try {
      cluster.redis = stack.use(await TestRedis.start());
      const { redis } = cluster;
      const starting = [1, 2, 3].map(() => NodeProgram.start(redis, { timing }));
      cluster.nodes = await Promise.all(starting);
      for (const node of cluster.nodes) stack.use(node);
      cluster.balancer = stack.use(new Balancer(cluster.nodes.map(({ port }) => port)));
      // For the key and the helpers; its own server is not used.
      cluster.world = stack.use(await World.start());
      await eventually(() => cluster.#isSettled(), () => "the directory does not settle");
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether newcomers get the IDs that they ask for, and every node knows the others. */
  async #isSettled(): Promise<boolean> {
    const sockets = await Promise.all(this.nodes.map(async ({ url }) => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return /^converge_cluster_nodes 3$/m.test(metrics);
    }));
    if (sockets.includes(false)) return false;
    const response = await fetch(`${this.nodes[0]!.url}/client/nobody`);
    await response.body?.cancel();
    return response.status === 404;
  }

  async agent(url: string, options: AgentStart = {}): Promise<[Agent, Announced]> {
    const agent = this.world.startAgent({ url, ...options });
    return [agent, await agent.announced()];
  }

  /** Runs a command through the server at `url`. */
  async ssh(agent: Announced, url: string, command: string): Promise<string> {
    const proxy = `-oProxyCommand=${this.world.proxyCommand(agent.id, url)}`;
    const { stdout, stderr, code } = await this.world.ssh(agent, [proxy, command]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }

  /** What the server at `url` answers to a client that asks for an agent. */
  async ask(url: string, id: string): Promise<{ status: number; retry: boolean; text: string }> {
    const response = await fetch(`${url}/client/${id}`);
    const text = await response.text();
    return { status: response.status, retry: response.headers.has("retry-after"), text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A shell through the balancer, which says what it is told to, and goes on as long as it can. */
function openShell(cluster: Cluster, agent: Announced, url: string) {
  const proxy = `-oProxyCommand=${cluster.world.proxyCommand(agent.id, url)}`;
  const shell = cluster.world.startSsh(agent, [proxy, "sh"], { interactive: true });
  let count = 0;
  return {
    shell,
    /** Waits for the answer to something that is asked now. */
    async answers() {
      await shell.write(`echo "answer $((${++count} * 7))"\n`);
      await shell.waitFor(new RegExp(`^answer ${count * 7}$`, "m"));
    },
    async end() {
      await shell.write("exit\n");
      assert.equal((await shell.result()).code, 0);
    },
  };
}

test("ssh reaches an agent through each of three nodes", async () => {
  await using cluster = await Cluster.start();
  const [a, b, c] = cluster.nodes as [NodeProgram, NodeProgram, NodeProgram];
  const [, agent] = await cluster.agent(a.ws, { id: "job-1" });
  assert.equal(agent.id, "job-1");
  for (const node of [a, b, c]) assert.equal(await cluster.ssh(agent, node.ws, "echo hi"), "hi");
  const sessions = await (await fetch(`${c.url}/api/sessions`)).json();
  assert.equal(sessions.total, 1);
  const page = await (await fetch(`${b.url}/sessions`)).text();
  assert.match(page, /<strong id="summary">1 agent, /);
});

test("a killed node: agents are at others at once, and shells go on", async () => {
  await using cluster = await Cluster.start();
  const { balancer } = cluster;
  const [, agent] = await cluster.agent(balancer.ws, { id: "job-1" });
  const shell = openShell(cluster, agent, balancer.ws);
  await shell.answers();
  const hasAgent = await Promise.all(cluster.nodes.map(async ({ url }) => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return /^converge_agents\{state="connected"\} 1$/m.test(metrics);
  }));
  const victim = cluster.nodes[hasAgent.indexOf(true)]!;
  const killed = performance.now();
  victim.program.kill("SIGKILL");
  await shell.answers();
  const took = performance.now() - killed;
  assert.ok(took < 30_000, `${took} ms`);
  for (const node of cluster.nodes.filter((node) => node !== victim)) {
    const isThere = async () => (await cluster.ask(node.url, "job-1")).status === 426;
    await eventually(isThere, () => "it is not back");
    assert.equal(await cluster.ssh(agent, node.ws, "echo hi"), "hi");
  }
});

test("Redis away: what is local goes on, the rest is 503; empty, it is filled again", async () => {
  await using cluster = await Cluster.start();
  const [a, b] = cluster.nodes as [NodeProgram, NodeProgram];
  const [, agent] = await cluster.agent(a.ws, { id: "job-1" });
  const local = openShell(cluster, agent, a.ws);
  const across = openShell(cluster, agent, b.ws);
  await Promise.all([local.answers(), across.answers()]);

  await cluster.redis.stop();
  await a.program.waitFor(/"event":"directory lost"/);
  await b.program.waitFor(/"event":"directory lost"/);
  await Promise.all([local.answers(), across.answers()]);
  assert.equal(await cluster.ssh(agent, a.ws, "echo local"), "local");
  for (const id of ["job-1", "unknown"]) {
    const { status, retry, text } = await cluster.ask(b.url, id);
    assert.deepEqual([status, retry], [503, true], text);
    assert.match(text, /cannot tell at the moment where the agent/);
  }
  const [, stray] = await cluster.agent(b.ws);
  assert.equal(await cluster.ssh(stray, b.ws, "echo stray"), "stray");
  // It cannot be known whether another agent has this one.
  const [, renamed] = await cluster.agent(b.ws, { id: "job-1" });
  assert.notEqual(renamed.id, "job-1");

  await cluster.redis.restart();
  const back = performance.now();
  for (const id of ["job-1", stray.id, renamed.id]) {
    for (const node of [a, b]) {
      const isThere = async () => (await cluster.ask(node.url, id)).status === 426;
      await eventually(isThere, () => `${id} is not back`);
    }
  }
  const took = performance.now() - back;
  assert.ok(took < 10_000, `${took} ms`);
  assert.equal(await cluster.ssh(agent, b.ws, "echo across"), "across");
  assert.equal(await cluster.ssh(stray, a.ws, "echo stray"), "stray");
  await Promise.all([local.answers(), across.answers()]);
});

test("a node that cannot renew stops answering before anyone else may have the ID", async () => {
  const timing = { ...TEST_TIMING, answerMs: 2_000, holdMs: 4_000, leaseMs: 1_500 };
  await using cluster = await Cluster.start(timing);
  const [a] = cluster.nodes as [NodeProgram];
  await cluster.agent(a.ws, { id: "job-1" });
  await cluster.redis.stop();
  const refuses = async () => (await cluster.ask(a.url, "job-1")).status === 503;
  await eventually(refuses, () => "it still answers");
  await cluster.redis.restart();
  const isThere = async () => (await cluster.ask(a.url, "job-1")).status === 426;
  await eventually(isThere, () => "it is not back");
});

test("nodes that do not reach each other: a clear error, and again when they do", async () => {
  await using cluster = await Cluster.start();
  const [a, b] = cluster.nodes as [NodeProgram, NodeProgram];
  const [, agent] = await cluster.agent(a.ws, { id: "job-1" });
  a.program.kill("SIGSTOP");
  const { status, retry, text } = await cluster.ask(b.url, "job-1");
  // Redis does not count it as away yet, or already does.
  assert.deepEqual([status, retry], [503, true], text);
  assert.match(text, /cannot be reached from this one|has lost its connection/);
  a.program.kill("SIGCONT");
  await eventually(
    async () => (await cluster.ask(b.url, "job-1")).status === 426,
    () => "it is not back",
  );
  assert.equal(await cluster.ssh(agent, b.ws, "echo hi"), "hi");
});

test("a rolling upgrade: each node is replaced, and shells go on", async () => {
  await using cluster = await Cluster.start();
  const { balancer, nodes, redis } = cluster;
  const [, agent] = await cluster.agent(balancer.ws, { id: "job-1" });
  const shell = openShell(cluster, agent, balancer.ws);
  await shell.answers();
  await using next = new AsyncDisposableStack();
  for (const node of nodes) {
    node.program.kill("SIGTERM");
    await shell.answers();
    assert.equal((await node.program.result()).code, 0);
    next.use(await NodeProgram.start(redis, { port: node.port }));
    await shell.answers();
  }
  // Before the nodes: its wsproxy would wait for them.
  await shell.end();
});

test("a node with another key is refused, and says so", async () => {
  await using cluster = await Cluster.start();
  const [a] = cluster.nodes as [NodeProgram];
  await cluster.agent(a.ws, { id: "job-1" });
  await using other = await NodeProgram.start(cluster.redis, { key: `${PEER_KEY} of another` });
  const { status } = await cluster.ask(other.url, "job-1");
  assert.equal(status, 503);
  await other.program.waitFor(/"event":"node refuses".*the nodes need the same --peer-key-file/);
});
