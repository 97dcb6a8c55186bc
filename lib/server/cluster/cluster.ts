/**
 * A node among others that serve the same name: an agent may be registered at one, and its client
 * come to another. docs/decisions/0022-one-name-many-nodes.md says why it is as it is.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { Log } from "../../log/log.ts";
import type { RequestTarget } from "../http/target.ts";
import type { ClientConnection } from "../relay/client_connection.ts";
import type { Connections } from "../relay/connections.ts";
import type { DataConnection } from "../relay/data_connection.ts";
import type { PeerSocket } from "../relay/peer_socket.ts";
import { Relay, type RelayOptions } from "../relay/relay.ts";
import { GRACE_MS } from "../rendezvous/agents.ts";
import * as refusals from "../rendezvous/refusals.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import { ResumeSecrets } from "../rendezvous/resume_secrets.ts";
import type { AgentInfo, Refusal, ServerEvent } from "../rendezvous/types.ts";
import type { ClusterLoad } from "../telemetry/load.ts";
import { Arrivals } from "./arrivals.ts";
import { CLUSTER_TIMING, type ClusterTiming } from "./directory.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Leases } from "./leases.ts";
import { type NodeLink, NodeRoutes } from "./node_routes.ts";
import { PeerKey } from "./peer_key.ts";
import { type LinkRequest, PeerLinks } from "./peer_links.ts";
import { PeerRequests, type PeerVisit } from "./peer_requests.ts";
import { PeerProofs } from "./peer_proof.ts";
import { Pulse } from "./pulse.ts";
import { RedisDirectory } from "./redis_directory.ts";
import { ClusterRegistration } from "./registration.ts";
import { ClusterSessions } from "./sessions.ts";

export interface ClusterOptions {
  /** Of Redis, see `RedisDirectoryOptions`. */
  url: URL;
  password?: string;
  /** How other nodes reach this one. */
  nodeUrl: string;
  peerKey: string;
  log: Log;
  /** For tests. */
  timing?: Partial<ClusterTiming>;
}

/** What of the server the cluster works with. */
export interface ClusterHost {
  rendezvous: Rendezvous<DataConnection, ClientConnection>;
  connections: Connections;
  relay: Pick<RelayOptions, "maxBuffer" | "backlog">;
}

/** See the module's description. */
export class Cluster {
  readonly nodeUrl: string;
  readonly secrets: ResumeSecrets;
  readonly key: PeerKey;
  readonly #timing: ClusterTiming;
  readonly #log: Log;
  readonly #directory: RedisDirectory;
  readonly #leases: Leases;
  readonly #pulse: Pulse;
  readonly #proofs: PeerProofs;
  readonly #peers: PeerLinks;
  readonly #sessions: ClusterSessions;
  readonly #links = new Set<Relay>();
  #host!: ClusterHost;
  #routes!: NodeRoutes;
  #registration!: ClusterRegistration;
  #requests!: PeerRequests;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor(options: ClusterOptions) {
    const { url, password, peerKey, log } = options;
    this.nodeUrl = options.nodeUrl.replace(/\/$/, "");
    this.#log = log;
    this.#timing = { ...CLUSTER_TIMING, ...options.timing };
    this.key = new PeerKey(peerKey);
    this.secrets = new ResumeSecrets(this.key.resumeKey);
    this.#proofs = new PeerProofs({ key: this.key.proofKey, now: () => this.#pulse.now() });
    const node = { url: this.nodeUrl, instance: randomUUID() };
    const timing = this.#timing;
    let connected: boolean | undefined;
    this.#directory = new RedisDirectory({
      ...{ url, password, node, timing },
      onState: (isConnected, reason) => {
        if (isConnected) this.#beat();
        if (isConnected === connected) return;
        connected = isConnected;
        if (isConnected) log.info("directory connected", { directory: url.host });
        else log.error("directory lost", { directory: url.host, reason });
      },
    });
    this.#leases = new Leases({
      directory: this.#directory,
      timing,
      onLost: (id) =>
        this.#host.rendezvous.release(id, "the ID is with another node of the cluster"),
      onContested: (id, at) => this.#host.rendezvous.contested(id, at),
    });
    this.#pulse = new Pulse({
      ...{ log, nodeUrl: this.nodeUrl },
      heartbeat: new Heartbeat(this.#directory, this.#leases, timing),
      connected: () => this.#directory.connected,
    });
    this.#peers = new PeerLinks({ proofs: this.#proofs, askMs: timing.askMs });
    this.#sessions = new ClusterSessions({
      peers: this.#peers,
      nodes: () => this.#pulse.nodes.filter((url) => url !== this.nodeUrl),
    });
  }

  /** Starts to work for a server. */
  attach(host: ClusterHost): void {
    this.#host = host;
    const { rendezvous, connections } = host;
    this.#routes = new NodeRoutes({
      ...{ nodeUrl: this.nodeUrl, log: this.#log, peers: this.#peers, connections },
      directory: this.#directory,
      has: (id) => rendezvous.has(id),
    });
    const arrivals = new Arrivals({
      ...{ rendezvous, routes: this.#routes, directory: this.#directory },
      join: (client, link) => this.join(client, link),
    });
    this.#registration = new ClusterRegistration({
      leases: this.#leases,
      key: this.key,
      secrets: this.secrets,
      rendezvous,
      onMoved: (id, former) => void this.#peers.ask(former, `/moved/${id}`).catch(() => {}),
      carry: (socket, id, hello) => this.#carry(socket, id, hello),
    });
    this.#requests = new PeerRequests({
      nodeUrl: this.nodeUrl,
      proofs: this.#proofs,
      has: (id) => rendezvous.has(id),
      snapshot: () => rendezvous.snapshot(),
      moved: (id) => this.#leases.check(id).catch(() => {}),
    });
    const { renewMs, lookMs } = this.#timing;
    this.#timers.push(
      setInterval(() => this.#beat(), renewMs),
      setInterval(() => void (this.#directory.connected && arrivals.look()), lookMs),
    );
    this.#beat();
  }

  get registration(): ClusterRegistration {
    return this.#registration;
  }

  /** Whether this node may answer for an ID now. */
  answers(id: string): boolean {
    return !this.#pulse.replaced && this.#leases.answers(id);
  }

  load(): ClusterLoad {
    return {
      connected: this.#directory.connected,
      nodes: this.#pulse.nodes.length,
      leases: this.#leases.size,
      links: this.#links.size,
      silent: this.#sessions.silent,
    };
  }

  /** The agents of the other nodes, as of the last {@link Cluster.refresh}. */
  snapshot(): AgentInfo[] {
    return this.#sessions.agents;
  }

  /** Asks the other nodes for their agents. */
  refresh(): Promise<void> {
    return this.#sessions.refresh();
  }

  /** Lets go of the IDs of agents that are not here any more. */
  observe(event: ServerEvent): void {
    if (event.type !== "unregistered") return;
    // One that moves because this node ends comes back elsewhere.
    const { draining } = this.#host.rendezvous;
    void this.#leases.release(event.id, draining ? GRACE_MS : 0);
  }

  /** See `PeerRequests.answer()`. */
  answer(target: RequestTarget): Promise<Response | PeerVisit | undefined> {
    return this.#requests.answer(target);
  }

  /** See `NodeRoutes.reach()`. */
  reach(request: LinkRequest): Promise<NodeLink | Refusal | undefined> {
    return this.#routes.reach(request);
  }

  /** See `NodeRoutes.peek()`. */
  peek(request: LinkRequest): Promise<Refusal | "unknown" | undefined> {
    return this.#routes.peek(request);
  }

  /** Copies between a client and the node that has its agent. */
  join(client: ClientConnection, link: NodeLink): void {
    this.#keep(client.relayTo(link.peer, this.#host.relay));
    link.start();
  }

  /** Tells clients that can go on elsewhere to do so. @returns when all are gone */
  async drain(): Promise<void> {
    for (const link of this.#links) link.drain();
    await Promise.all(Array.from(this.#links, ({ done }) => done));
  }

  closeLinks(code: number, reason: string): void {
    for (const link of this.#links) link.close(code, reason);
  }

  /** Leaves the cluster; what is registered here may be registered elsewhere at once. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#pulse.end();
    await this.#directory.leave().catch(() => {});
    this.#directory[Symbol.dispose]();
  }

  #beat(): void {
    // Before it is attached there is nothing to renew.
    if (this.#host !== undefined) this.#pulse.beat();
  }

  #keep(relay: Relay): void {
    this.#links.add(relay);
    void relay.done.then(() => this.#links.delete(relay));
  }

  /** See `Registry.carry()`. */
  async #carry(socket: PeerSocket, id: string, hello: string): Promise<Refusal | undefined> {
    const { address } = socket;
    const request: LinkRequest = { who: "agent", id, address, waitMs: 0, resumable: false };
    const link = await this.reach(request);
    if (link === undefined) return refusals.wrongSecret(id);
    if ("label" in link) return link;
    link.peer.send(hello);
    // Text too is passed on both ways: to each other they say more than a client's bytes.
    this.#keep(new Relay(socket, link.peer, [], { ...this.#host.relay, resumable: true }));
    link.start();
  }
}
