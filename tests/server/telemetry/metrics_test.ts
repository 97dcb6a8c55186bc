import assert from "node:assert/strict";
import { Metrics } from "../../../lib/server/telemetry/metrics.ts";
import type { AgentInfo, ClientInfo } from "../../../lib/server/rendezvous/types.ts";
import type { ServerLoad } from "../../../lib/server/telemetry/load.ts";

const LOAD: ServerLoad = {
  ...{ connected: 0, away: 0, parked: 0, waiting: 0, pairs: 0, resumable: 0 },
  ...{ toAgent: 0, toClient: 0 },
  ...{ connections: 0, buffered: 0, bufferLimit: 2 ** 30 },
};

const AGENT: AgentInfo = {
  ...{ id: "job", address: "192.0.2.1", version: "1.2.3", since: 0, connected: true, parked: 2 },
  facts: { host: "builder", user: "ci", os: "linux", shell: "/bin/sh" },
  clients: [],
};

const CLIENT: ClientInfo = {
  ...{ key: 1, address: "192.0.2.2", since: 0, toAgent: 10, toClient: 2_000, buffered: 0 },
  resumable: false,
};

/** Each figure with its labels, as Prometheus reads it. */
async function read(metrics: Metrics): Promise<Record<string, number>> {
  const text = await (await metrics.answer()).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => {
    const [, name, value] = /^(\S+) (\S+)$/.exec(line) ?? assert.fail(line);
    return [name, Number(value)];
  }));
}

/** Asserts some of the values that were read. */
function assertValues(values: Record<string, number>, expected: Record<string, number>): void {
  for (const [name, value] of Object.entries(expected)) assert.equal(values[name], value, name);
}

Deno.test("Metrics reads what is there when it is asked", async () => {
  let load = LOAD;
  const metrics = new Metrics({ load: () => load });
  assert.equal((await read(metrics))['converge_agents{state="connected"}'], 0);
  load = { ...LOAD, connected: 3, away: 1, parked: 6, waiting: 2, pairs: 4, connections: 17 };
  load = { ...load, buffered: 5_000, resumable: 2 };
  const values = await read(metrics);
  assertValues(values, {
    'converge_agents{state="connected"}': 3,
    'converge_agents{state="away"}': 1,
    'converge_clients{state="paired"}': 4,
    'converge_clients{state="waiting"}': 2,
    converge_pairs: 4,
    converge_pairs_resumable: 2,
    converge_parked_connections: 6,
    converge_connections: 17,
    converge_buffered_bytes: 5_000,
    converge_buffered_limit_bytes: 2 ** 30,
  });
});

Deno.test("Metrics counts bytes while a pair is open, and none of them twice", async () => {
  let load = { ...LOAD, pairs: 1, toAgent: 7, toClient: 100 };
  const metrics = new Metrics({ load: () => load });
  const bytes = async () => {
    const values = await read(metrics);
    return ["to_agent", "to_client"].map((direction) =>
      values[`converge_relayed_bytes_total{direction="${direction}"}`]
    );
  };
  assert.deepEqual(await bytes(), [7, 100]);
  assert.deepEqual(await bytes(), [7, 100]);
  load = { ...load, toAgent: 10, toClient: 2_000 };
  assert.deepEqual(await bytes(), [10, 2_000]);
  load = LOAD;
  const end = { label: "closed", reason: "the client closed" } as const;
  metrics.observe({ type: "unpaired", id: "job", client: CLIENT, end, durationMs: 1 });
  assert.deepEqual(await bytes(), [10, 2_000]);
  load = { ...LOAD, pairs: 1, toAgent: 1, toClient: 1 };
  assert.deepEqual(await bytes(), [11, 2_001]);
});

Deno.test("Metrics counts registrations, refusals, pairs and how they ended", async () => {
  const metrics = new Metrics({ load: () => LOAD });
  metrics.observe({ type: "registered", agent: AGENT, asked: "job", resumed: false });
  metrics.observe({ type: "registered", agent: AGENT, asked: "job", resumed: true });
  metrics.observe({ type: "registered", agent: AGENT, asked: "taken", resumed: false });
  metrics.observe({ type: "lost", id: "job" });
  const refusal = { label: "unknown-id", reason: "private words", status: 404 } as const;
  metrics.observe({ type: "refused", who: "client", id: "x", address: "192.0.2.3", refusal });
  metrics.observe({ type: "paired", id: "job", client: CLIENT, waitedMs: 50 });
  const end = { label: "too-slow", reason: "the client fell behind" } as const;
  metrics.observe({ type: "unpaired", id: "job", client: CLIENT, end, durationMs: 90_000 });
  const values = await read(metrics);
  assertValues(values, {
    'converge_registrations_total{kind="new"}': 1,
    'converge_registrations_total{kind="resumed"}': 1,
    'converge_registrations_total{kind="renamed"}': 1,
    converge_agents_lost_total: 1,
    'converge_refusals_total{who="client",reason="unknown-id"}': 1,
    'converge_refusals_total{who="agent",reason="too-many-agents"}': 0,
    'converge_pairs_ended_total{reason="too-slow"}': 1,
    'converge_pairs_ended_total{reason="closed"}': 0,
    'converge_pair_wait_seconds_bucket{le="0.01"}': 0,
    'converge_pair_wait_seconds_bucket{le="0.1"}': 1,
    'converge_pair_duration_seconds_bucket{le="60"}': 0,
    'converge_pair_duration_seconds_bucket{le="300"}': 1,
    converge_pair_duration_seconds_sum: 90,
  });
  // Nothing that a client chose becomes a label.
  const all = Object.keys(values).join("\n");
  assert.doesNotMatch(all, /192\.0\.2|private|behind|"job"|taken|builder/);
});

Deno.test("Metrics tells the version, and numbers of its process", async () => {
  const metrics = new Metrics({ load: () => LOAD });
  const { headers } = await metrics.answer();
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const values = await read(metrics);
  const info = Object.keys(values).find((name) => name.startsWith("converge_build_info"));
  assert.match(info ?? "", new RegExp(`version="\\d+\\.\\d+\\.\\d+",deno="${Deno.version.deno}"`));
  assert.ok(values.process_resident_memory_bytes! > 10e6);
  assert.ok(values.process_cpu_user_seconds_total! > 0);
  const age = Date.now() / 1_000 - values.process_start_time_seconds!;
  assert.ok(age >= 0 && age < 3_600, `${age}`);
  // Only Linux 6.2 and later tell how many there are.
  if (values.process_open_fds === undefined) return;
  assert.ok(values.process_open_fds > 3);
  assert.ok(values.process_max_fds! > values.process_open_fds);
});
