/**
 * `deno task torture cluster [agents a node] [megabytes]`: what a pair across two nodes costs beside
 * one on a single node; how many IDs one Redis takes; and fleets at three nodes, one of them killed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CLUSTER_TIMING } from "../../lib/server/cluster/directory.ts";
import { RedisDirectory } from "../../lib/server/cluster/redis_directory.ts";
import { HALF_CLOSE_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { connectWebSocket } from "../../lib/wire/websocket/websocket.ts";
import { quantile } from "../bench/measure.ts";
import { NodeProgram, TEST_TIMING } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { Program } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";
import { ROOT } from "../support/root.ts";
import { connected, scrape } from "./many/metrics.ts";
import { milliseconds, printTable } from "./table.ts";

/** How long the agents of a killed node may take to be back, in milliseconds. */
const MAX_RETURN_MS = 30_000;

function startAgent(program: string, ...args: string[]): Program {
  const path = join(ROOT, "tests/torture", program);
  return new Program(Deno.execPath(), ["run", "-A", "--no-check", path, ...args]);
}

async function settled(nodes: NodeProgram[]): Promise<void> {
  for (const node of nodes) {
    const isThere = async () => {
      const metrics = await scrape(node.url);
      return metrics.get("converge_cluster_nodes") === nodes.length;
    };
    await eventually(isThere, () => "the nodes do not meet");
  }
  await eventually(async () => {
    const response = await fetch(`${nodes[0]!.url}/client/nobody`);
    await response.body?.cancel();
    return response.status === 404;
  }, () => "the directory does not settle");
}

/** What was seen of pairs; echoes in milliseconds, bytes in MB/s; the median of each. */
export interface Pairs {
  localMs: number;
  acrossMs: number;
  localRate: number;
  acrossRate: number;
}

/** Compares pairs at the agent's node with pairs through another one, in turns. */
export async function pairs(rounds: number, megabytes: number): Promise<Pairs> {
  await using redis = await TestRedis.start();
  await using a = await NodeProgram.start(redis);
  await using b = await NodeProgram.start(redis);
  await settled([a, b]);
  await using agent = startAgent("cluster/source_agent.ts", a.ws, "job-1");
  await agent.waitFor(/registered job-1/);
  const seen = { local: [] as number[], across: [] as number[] };
  const rates = { local: [] as number[], across: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const [kind, node] of [["local", a], ["across", b]] as const) {
      seen[kind].push(...await echoes(node, 200));
      rates[kind].push(await transfer(node, megabytes * 1e6));
    }
  }
  return {
    localMs: quantile(seen.local, 0.5),
    acrossMs: quantile(seen.across, 0.5),
    localRate: quantile(rates.local, 0.5),
    acrossRate: quantile(rates.across, 0.5),
  };
}

function connect(node: NodeProgram) {
  const protocols = [HALF_CLOSE_SUBPROTOCOL];
  return connectWebSocket(new URL(`${node.ws}/client/job-1`), { protocols });
}

/** Bytes to and fro, one after the other. @returns milliseconds */
async function echoes(node: NodeProgram, count: number): Promise<number[]> {
  const client = await connect(node);
  await client.send(new TextEncoder().encode("echo"));
  const times: number[] = [];
  const byte = Uint8Array.of(42);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await client.send(byte);
    await client.receive();
    times.push(performance.now() - start);
  }
  client.close();
  await client.closed;
  // The first ones find nothing warm.
  return times.slice(count / 10);
}

/** @returns MB/s from the agent to the client */
async function transfer(node: NodeProgram, bytes: number): Promise<number> {
  const client = await connect(node);
  client.receiveParts();
  const start = performance.now();
  await client.send(new TextEncoder().encode(`${bytes}`));
  let got = 0;
  while (got < bytes) {
    const message = await client.receive();
    assert.ok(message instanceof Uint8Array);
    got += message.length;
  }
  const seconds = (performance.now() - start) / 1_000;
  client.close();
  await client.closed;
  return bytes / 1e6 / seconds;
}

/** How many agents one Redis takes a second. */
export interface DirectoryRates {
  claims: number;
  renewals: number;
  finds: number;
}

/** Asks a Redis as many nodes would, `count` IDs of each kind of question. */
export async function directoryRates(count: number): Promise<DirectoryRates> {
  await using redis = await TestRedis.start();
  const ready = Promise.withResolvers<void>();
  using directory = new RedisDirectory({
    url: new URL(redis.url),
    node: { url: "http://node", instance: "1" },
    timing: { ...CLUSTER_TIMING, askMs: 60_000 },
    onState: (isConnected) => isConnected && ready.resolve(),
  });
  await ready.promise;
  await directory.beat([], 0);
  const ids = Array.from({ length: count }, (_, i) => `job-${i}`);
  const rate = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return count * 1_000 / (performance.now() - start);
  };
  const [secret, shown] = ["s".repeat(43), ""];
  const epochs = new Map<string, number>();
  /** Many at a time, as from many nodes. */
  const each = async (ask: (id: string) => Promise<void>) => {
    const left = ids.values();
    const next = async () => {
      for (const id of left) await ask(id);
    };
    await Promise.all(Array.from({ length: 100 }, next));
  };
  const claims = await rate(() =>
    each(async (id) => {
      const question = { id, secret, shown, reserved: true, holding: false };
      const answer = await directory.claim(question);
      if (answer.type === "granted") epochs.set(id, answer.epoch);
    })
  );
  const held = ids.map((id) => ({ id, epoch: epochs.get(id)!, secret, shown }));
  const renewals = await rate(() => directory.renew(held));
  const finds = await rate(() => each(async (id) => void await directory.find([id])));
  return { claims, renewals, finds };
}

/** What was seen of fleets; times in milliseconds. */
export interface Fleets {
  registeredMs: number;
  returnMs: number;
  lost: number;
}

/** Registers `count` agents for each of three nodes, and kills one of these. */
export async function fleets(count: number): Promise<Fleets> {
  await using redis = await TestRedis.start();
  const all = 3 * count;
  const args = [
    ...["--max-agents", String(all), "--log-level", "info"],
    ...["--max-connections-per-minute", "0", "--max-registrations-per-minute", "0"],
  ];
  const timing = { ...CLUSTER_TIMING, settleMs: TEST_TIMING.settleMs! };
  const start = () => NodeProgram.start(redis, { timing, args });
  const nodes = await Promise.all([start(), start(), start()]);
  await using stack = new AsyncDisposableStack();
  for (const node of nodes) stack.use(node);
  await settled(nodes);
  const ports = nodes.map(({ port }) => `${port}`);
  await using agents = new AsyncDisposableStack();
  const started = performance.now();
  for (let i = 0; i < 3; i++) {
    agents.use(startAgent("cluster/balanced_agents.ts", `job-${i}`, `${count}`, ...ports));
  }
  const countAt = async (node: NodeProgram) => connected(await scrape(node.url));
  const total = async (at: NodeProgram[]) =>
    (await Promise.all(at.map(countAt))).reduce((sum, one) => sum + one, 0);
  await eventually(async () => await total(nodes) === all, () => "not all registered");
  const registeredMs = performance.now() - started;
  const [victim, ...rest] = nodes;
  const lost = await countAt(victim!);
  const killed = performance.now();
  victim!.program.kill("SIGKILL");
  await eventually(async () => await total(rest) === all, () => "not all are back");
  const returnMs = performance.now() - killed;
  for (const node of rest) {
    const metrics = await scrape(node.url);
    assert.equal(metrics.get('converge_registrations_total{kind="renamed"}'), 0);
  }
  return { registeredMs, returnMs, lost };
}

/** The scenario. */
export async function cluster(agents = "1000", megabytes = "400"): Promise<void> {
  const seen = await pairs(7, Number(megabytes));
  const more = seen.acrossMs - seen.localMs;
  const share = seen.acrossRate / seen.localRate;
  printTable(["", "one node", "two nodes", ""], [
    [
      "echo, median",
      milliseconds(seen.localMs),
      milliseconds(seen.acrossMs),
      `${milliseconds(more)} more`,
    ],
    [
      "to the client",
      `${seen.localRate.toFixed(0)} MB/s`,
      `${seen.acrossRate.toFixed(0)} MB/s`,
      share.toFixed(2),
    ],
  ]);
  const rates = await directoryRates(100_000);
  console.log("\nOne Redis, a second");
  printTable(["", ""], Object.entries(rates).map(([name, rate]) => [name, rate.toFixed(0)]));
  const fleet = await fleets(Number(agents));
  console.log(`\nThree nodes, ${agents} agents each`);
  printTable(["", ""], [
    ["all registered after", milliseconds(fleet.registeredMs)],
    ["agents of the node that is killed", fleet.lost],
    ["all back after", milliseconds(fleet.returnMs)],
  ]);
  assert.ok(fleet.returnMs < MAX_RETURN_MS, `back only after ${fleet.returnMs} ms`);
}
