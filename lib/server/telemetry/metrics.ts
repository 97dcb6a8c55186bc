import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { VERSION } from "../../dist/version.ts";
import { addProcessMetrics } from "./process_metrics.ts";
import type { DropLabel, PairEndLabel, RefusalLabel, ServerEvent } from "../rendezvous/types.ts";
import type { ServerLoad } from "./load.ts";

/** Upper bounds in seconds: from at once to the longest `?wait=`. */
const WAIT_BUCKETS = [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 300, 3_600, 86_400];
/** Upper bounds in seconds: from one command to a day's work. */
const DURATION_BUCKETS = [1, 5, 30, 60, 300, 900, 3_600, 4 * 3_600, 86_400];

/** All start at zero, so that the first one counts as an increase. */
const PAIR_ENDS = Object.keys(
  {
    closed: 0,
    "agent-lost": 0,
    "client-lost": 0,
    "too-slow": 0,
    protocol: 0,
    shutdown: 0,
  } satisfies Record<PairEndLabel, 0>,
);

/** Who can be refused for which reason; zero from the start, too. */
const REFUSALS = Object.entries(
  {
    "unknown-id": ["client"],
    "agent-away": ["client"],
    "node-away": ["client"],
    "directory-away": ["agent", "client"],
    "too-many-agents": ["agent"],
    "too-many-clients": ["client"],
    "too-many-connections": ["agent", "client"],
    "too-many-registrations": ["agent"],
    "too-many-unregistered": ["agent"],
    "locked-out": ["agent"],
    "too-many-waiting": ["client"],
    "too-many-parked": ["agent"],
    draining: ["agent", "client"],
    "wrong-secret": ["agent"],
    "wrong-token": ["agent"],
    "wrong-version": ["agent"],
    "bad-message": ["agent"],
    "bad-request": ["agent", "client"],
    "foreign-origin": ["agent", "client"],
    timeout: ["agent"],
  } satisfies Record<RefusalLabel, ("agent" | "client")[]>,
);

const DROPS = Object.keys(
  {
    "message-too-long": 0,
    "no-request": 0,
    "takes-nothing": 0,
  } satisfies Record<DropLabel, 0>,
);

export interface MetricsOptions {
  /** How much the server carries. */
  load(): ServerLoad;
  /** Whether it is a node of a cluster. @default false */
  cluster?: boolean;
}

/**
 * The server's metrics for Prometheus: events are counted as they happen, amounts are read when
 * asked for. Labels have few values, all fixed here: never an ID or an address.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #load: MetricsOptions["load"];
  /** Bytes of the pairs that have ended. */
  readonly #relayed = { toAgent: 0, toClient: 0 };

  readonly #registrations = this.#counter(
    "converge_registrations_total",
    "Registrations: with the ID asked for, a random one, or the agent's former one.",
    ["kind"],
  );
  readonly #lost = this.#counter(
    "converge_agents_lost_total",
    "Control connections lost without a close frame.",
  );
  readonly #refusals = this.#counter(
    "converge_refusals_total",
    "Agents and clients refused.",
    ["who", "reason"],
  );
  readonly #drops = this.#counter(
    "converge_connections_dropped_total",
    "Connections cut without a close frame.",
    ["reason"],
  );
  readonly #ends = this.#counter(
    "converge_pairs_ended_total",
    "Pairs of an agent and a client that have ended.",
    ["reason"],
  );
  readonly #wait = this.#histogram(
    "converge_pair_wait_seconds",
    "How long clients waited until they were paired.",
    WAIT_BUCKETS,
  );
  readonly #duration = this.#histogram(
    "converge_pair_duration_seconds",
    "How long ended pairs lasted.",
    DURATION_BUCKETS,
  );
  readonly #agents = this.#gauge("converge_agents", "Registered agents.", ["state"]);
  readonly #clients = this.#gauge("converge_clients", "Clients.", ["state"]);
  readonly #pairs = this.#gauge("converge_pairs", "Agents and clients that are paired.");
  readonly #resumable = this.#gauge(
    "converge_pairs_resumable",
    "Pairs whose streams go on on another connection if this one is lost.",
  );
  readonly #parked = this.#gauge(
    "converge_parked_connections",
    "Data connections of agents that wait for a client.",
  );
  readonly #connections = this.#gauge("converge_connections", "Open websockets.");
  readonly #buffered = this.#gauge(
    "converge_buffered_bytes",
    "About how many bytes wait for receivers.",
  );
  readonly #bufferLimit = this.#gauge(
    "converge_buffered_limit_bytes",
    "How many bytes may wait for receivers.",
  );
  readonly #relayedBytes = this.#counter(
    "converge_relayed_bytes_total",
    "Bytes copied between agents and clients.",
    ["direction"],
  );

  readonly #cluster?: Record<"connected" | "nodes" | "leases" | "links", Gauge>;

  constructor(options: MetricsOptions) {
    this.#load = options.load;
    if (options.cluster) this.#cluster = this.#clusterGauges();
    for (const kind of ["new", "renamed", "resumed"]) this.#registrations.inc({ kind }, 0);
    for (const reason of PAIR_ENDS) this.#ends.inc({ reason }, 0);
    for (const reason of DROPS) this.#drops.inc({ reason }, 0);
    for (const [reason, whos] of REFUSALS) {
      for (const who of whos) this.#refusals.inc({ who, reason }, 0);
    }
    this.#gauge("converge_build_info", "Always 1.", ["version", "deno"])
      .set({ version: VERSION, deno: Deno.version.deno }, 1);
    addProcessMetrics(this.#registry);
  }

  /** Counts what happened. */
  observe(event: ServerEvent): void {
    switch (event.type) {
      case "registered": {
        const { agent, asked, resumed } = event;
        const kind = resumed ? "resumed" : agent.id === asked ? "new" : "renamed";
        return this.#registrations.inc({ kind });
      }
      case "lost":
        return this.#lost.inc();
      case "paired":
        return this.#wait.observe(event.waitedMs / 1_000);
      case "unpaired": {
        const { client, end, durationMs } = event;
        this.#relayed.toAgent += client.toAgent;
        this.#relayed.toClient += client.toClient;
        this.#duration.observe(durationMs / 1_000);
        return this.#ends.inc({ reason: end.label });
      }
      case "dropped":
        return this.#drops.inc({ reason: event.label });
      case "refused":
        return this.#refusals.inc({ who: event.who, reason: event.refusal.label });
    }
  }

  /** A response with all metrics in Prometheus' text format. */
  async answer(): Promise<Response> {
    this.#read();
    return new Response(await this.#registry.metrics(), {
      headers: { "content-type": this.#registry.contentType },
    });
  }

  #read(): void {
    const load = this.#load();
    this.#agents.set({ state: "connected" }, load.connected);
    this.#agents.set({ state: "away" }, load.away);
    this.#clients.set({ state: "paired" }, load.pairs);
    this.#clients.set({ state: "waiting" }, load.waiting);
    this.#pairs.set(load.pairs);
    this.#resumable.set(load.resumable);
    this.#parked.set(load.parked);
    this.#connections.set(load.connections);
    this.#buffered.set(load.buffered);
    this.#bufferLimit.set(load.bufferLimit);
    if (load.cluster) {
      this.#cluster?.connected.set(Number(load.cluster.connected));
      this.#cluster?.nodes.set(load.cluster.nodes);
      this.#cluster?.leases.set(load.cluster.leases);
      this.#cluster?.links.set(load.cluster.links);
    }
    this.#relayedBytes.reset();
    this.#relayedBytes.inc({ direction: "to_agent" }, this.#relayed.toAgent + load.toAgent);
    this.#relayedBytes.inc({ direction: "to_client" }, this.#relayed.toClient + load.toClient);
  }

  #clusterGauges(): Record<"connected" | "nodes" | "leases" | "links", Gauge> {
    return {
      connected: this.#gauge(
        "converge_directory_connected",
        "1 while the cluster's directory can be asked, else 0.",
      ),
      nodes: this.#gauge("converge_cluster_nodes", "Nodes that have been there lately."),
      leases: this.#gauge("converge_cluster_leases", "IDs that this node answers for."),
      links: this.#gauge(
        "converge_cluster_links",
        "Clients, and connections of agents, that this node brings to other nodes.",
      ),
    };
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }
}
