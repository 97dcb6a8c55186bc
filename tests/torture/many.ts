/**
 * `deno task torture many [agents] [shells]`: a whole fleet registers, is visited, and comes back
 * when the server is killed; then many shells are open at once.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { clientPath, websocketUrl } from "../../lib/protocol/urls.ts";
import { connectWebSocket } from "../../lib/wire/websocket/websocket.ts";
import { quantile } from "../bench/measure.ts";
import { eventually } from "../support/deadline.ts";
import { Program, TempDir } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { residentMemory } from "../support/stalled.ts";
import { World } from "../support/world.ts";
import { connected, scrape } from "./many/metrics.ts";
import { shells } from "./many/shells.ts";
import { mebibytes, milliseconds, printTable } from "./table.ts";

/** How many agents one process has at most: a descriptor for each of three websockets. */
const AGENTS_A_PROCESS = 1_000;

/** How long they may take to come back, in milliseconds. */
const MAX_RETURN_MS = 60_000;

/** What was seen of a fleet; times in milliseconds, memory in bytes. */
export interface Fleet {
  registeredMs: number;
  memoryBefore: number;
  memory: number;
  /** From a client's first byte to the agent's answer to its first message. */
  pairMs: number[];
  returnMs: number;
  /** The most websockets that the server took in one second, after it was killed. */
  peak: number;
}

/** Starts `count` agents, opens `clients` pairs, and kills the server. */
export async function fleet(count: number, clients: number): Promise<Fleet> {
  await using state = new TempDir();
  const args = [
    ...["--max-agents", String(count), "--state-dir", state.path],
    ...["--max-connections-per-minute", "0", "--max-registrations-per-minute", "0"],
  ];
  await using world = await World.start(args);
  const memory = () => residentMemory(world.server.pid);
  const memoryBefore = memory();
  await using agents = new AsyncDisposableStack();
  const start = performance.now();
  for (let first = 0; first < count; first += AGENTS_A_PROCESS) {
    agents.use(startAgents(world.url, `job-${first}`, Math.min(AGENTS_A_PROCESS, count - first)));
  }
  await arrived(world, count);
  const registeredMs = performance.now() - start;
  const registered = { registeredMs, memoryBefore, memory: memory() };
  const pairMs: number[] = [];
  for (let client = 0; client < clients; client++) {
    const [process, number] = [client % Math.ceil(count / AGENTS_A_PROCESS), client % 100];
    pairMs.push(await pair(world, `job-${process * AGENTS_A_PROCESS}-${number % count}`));
  }
  world.server.kill("SIGKILL");
  await world.server.result();
  await world.startServer(args);
  const back = performance.now();
  const peak = await arrived(world, count);
  const returnMs = performance.now() - back;
  const metrics = await scrape(world.http);
  assert.equal(metrics.get('converge_registrations_total{kind="renamed"}'), 0);
  return { ...registered, pairMs, returnMs, peak };
}

function startAgents(url: string, prefix: string, count: number): Program {
  const program = join(ROOT, "tests/torture/many/fake_agents.ts");
  return new Program(Deno.execPath(), ["run", "-A", program, url, prefix, String(count)]);
}

/** Waits for all with their parked connections. @returns the most websockets in a second */
async function arrived(world: World, count: number): Promise<number> {
  let [peak, last, at] = [0, 0, performance.now()];
  await eventually(async () => {
    const metrics = await scrape(world.http);
    const [now, open] = [performance.now(), metrics.get("converge_connections")!];
    peak = Math.max(peak, (open - last) * 1_000 / (now - at));
    [last, at] = [open, now];
    return connected(metrics) === count && open === 3 * count;
  }, () => `${last} of ${3 * count} websockets`);
  return peak;
}

/** One client from its start to the first byte that came back. @returns milliseconds */
async function pair(world: World, id: string): Promise<number> {
  const start = performance.now();
  const url = websocketUrl(new URL(world.url), clientPath(id));
  const client = await connectWebSocket(url);
  await client.send(Uint8Array.of(42));
  assert.deepEqual(await client.receive(), Uint8Array.of(42));
  const time = performance.now() - start;
  client.close();
  await client.closed;
  return time;
}

/** The scenario. */
export async function many(agents = "5000", shellCount = "200"): Promise<void> {
  const count = Number(agents);
  const seen = await fleet(count, 500);
  assert.ok(seen.returnMs < MAX_RETURN_MS, `back only after ${seen.returnMs} ms`);
  console.log(`\n${count} agents, ${3 * count} websockets`);
  printTable(["", ""], [
    ["all registered after", milliseconds(seen.registeredMs)],
    ["server's memory before", mebibytes(seen.memoryBefore)],
    ["with all", mebibytes(seen.memory)],
    ["an agent", `${((seen.memory - seen.memoryBefore) / count / 1_024).toFixed(1)} KiB`],
    ["pairing, median", milliseconds(quantile(seen.pairMs, 0.5))],
    ["pairing, 99 of 100", milliseconds(quantile(seen.pairMs, 0.99))],
    ["all back after kill -9 and restart", milliseconds(seen.returnMs)],
    ["most websockets in a second then", seen.peak.toFixed(0)],
  ]);
  const opened = await shells(Number(shellCount));
  console.log(`\n${shellCount} shells`);
  printTable(["", ""], [
    ["all logged in after", milliseconds(opened.loginMs)],
    ["bytes to and fro, each as sent", mebibytes(opened.bytes)],
    ["in", milliseconds(opened.transferMs)],
    ["server's memory", mebibytes(opened.serverMemory)],
    ["agent's memory", mebibytes(opened.agentMemory)],
  ]);
}
