/**
 * A node among others that serve the same name: an agent may be registered at one, and its client
 * come to another. docs/decisions/0022-one-name-many-nodes.md says why it is as it is.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import { RESUME_SUBPROTOCOL } from "../../protocol/messages.ts";
import { UpgradeRefusedError } from "../../wire/websocket/websocket.ts";
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
import { CLUSTER_TIMING, type ClusterTiming, type Place } from "./directory.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Leases } from "./leases.ts";
import { LinkSocket } from "./link_socket.ts";
import { PeerKey } from "./peer_key.ts";
import { type LinkRequest, PeerLinks } from "./peer_links.ts";
import { PeerRequests, type PeerVisit } from "./peer_requests.ts";
import { PeerProofs } from "./peer_proof.ts";
import { RedisDirectory } from "./redis_directory.ts";
import { ClusterRegistration } from "./registration.ts";
import { ClusterSessions } from "./sessions.ts";

/** How many clients that wait are connected to other nodes at a time. */
const MAX_CONNECTING = 16;

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

/** A websocket to the node that has an agent. */
export interface NodeLink {
  peer: PeerSocket;
  /** Starts to receive, once there is someone who gets what comes; until then it waits. */
  start(): void;
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
  readonly #heartbeat: Heartbeat;
  readonly #proofs: PeerProofs;
  readonly #peers: PeerLinks;
  readonly #sessions: ClusterSessions;
  readonly #links = new Set<Relay>();
  readonly #ending = new AbortController();
  #host!: ClusterHost;
  #registration!: ClusterRegistration;
  #requests!: PeerRequests;
  #beating: Promise<void> | undefined;
  /** Whether another beat is to follow: the directory has come back. */
  #due = false;
  /** When the last beat came, by the steady clock. */
  #beatAt = 0;
  #looking = false;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor(options: ClusterOptions) {
    const { url, password, peerKey, log } = options;
    this.nodeUrl = options.nodeUrl.replace(/\/$/, "");
    this.#log = log;
    this.#timing = { ...CLUSTER_TIMING, ...options.timing };
    this.key = new PeerKey(peerKey);
    this.secrets = new ResumeSecrets(this.key.resumeKey);
    this.#proofs = new PeerProofs({ key: this.key.proofKey, now: () => this.#now() });
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
    this.#heartbeat = new Heartbeat(this.#directory, this.#leases, timing);
    this.#peers = new PeerLinks({ proofs: this.#proofs, askMs: timing.askMs });
    this.#sessions = new ClusterSessions({ peers: this.#peers, nodes: () => this.#others() });
  }

  /** Starts to work for a server. */
  attach(host: ClusterHost): void {
    this.#host = host;
    this.#registration = new ClusterRegistration({
      leases: this.#leases,
      key: this.key,
      secrets: this.secrets,
      rendezvous: host.rendezvous,
      onMoved: (id, former) => void this.#peers.ask(former, `/moved/${id}`).catch(() => {}),
      carry: (socket, id, hello) => this.#carry(socket, id, hello),
    });
    this.#requests = new PeerRequests({
      nodeUrl: this.nodeUrl,
      proofs: this.#proofs,
      has: (id) => host.rendezvous.has(id),
      snapshot: () => host.rendezvous.snapshot(),
      moved: (id) => this.#leases.check(id).catch(() => {}),
    });
    const { renewMs, lookMs } = this.#timing;
    this.#timers.push(
      setInterval(() => this.#beat(), renewMs),
      setInterval(() => void this.#look(), lookMs),
    );
    this.#beat();
  }

  get registration(): ClusterRegistration {
    return this.#registration;
  }

  /** Whether this node may answer for an ID now. */
  answers(id: string): boolean {
    return !this.#heartbeat.last?.replaced && this.#leases.answers(id);
  }

  load(): ClusterLoad {
    return {
      connected: this.#directory.connected,
      nodes: this.#heartbeat.last?.nodes.length ?? 0,
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

  /**
   * Connects to the node that has a client's agent.
   *
   * @returns undefined if no other node has it: what holds is what this one knows
   */
  async reach(request: LinkRequest): Promise<NodeLink | Refusal | undefined> {
    const { id, waitMs } = request;
    if (this.#host.rendezvous.has(id)) return undefined;
    const wait = (refusal: Refusal) => waitMs > 0 ? undefined : refusal;
    // It may have moved while it was asked for.
    for (let tries = 0; tries < 2; tries++) {
      const place = await this.#find(id);
      if (place === undefined) return undefined;
      if (place === "unknown") return wait(refusals.directoryAway(id));
      if (!place.alive || place.url === this.nodeUrl) break;
      try {
        return await this.#open(place.url, request);
      } catch (error) {
        if (!(error instanceof UpgradeRefusedError)) {
          return wait(this.#notReached(place.url, id, error));
        }
        const { status, reason } = error;
        const refusal = this.#refusalOf(place.url, id, status, reason);
        if (status !== 404) return status === 503 ? refusal : wait(refusal);
      }
    }
    return wait(refusals.agentAway(id));
  }

  /** Why the node that has an agent would refuse a client; undefined: it would not. */
  async peek(request: LinkRequest): Promise<Refusal | "unknown" | undefined> {
    const { id } = request;
    const place = await this.#find(id);
    if (place === undefined) return "unknown";
    if (place === "unknown") return refusals.directoryAway(id);
    if (!place.alive || place.url === this.nodeUrl) return refusals.agentAway(id);
    try {
      const { status, text } = await this.#peers.peek(place.url, request);
      return status === 426 ? undefined : this.#refusalOf(place.url, id, status, text.trim());
    } catch (error) {
      return this.#notReached(place.url, id, error);
    }
  }

  /** Why a client is refused that another node refuses. */
  #refusalOf(node: string, id: string, status: number, reason: string): Refusal {
    if (status === 503) return { label: "agent-away", status, reason };
    if (status === 404) return refusals.agentAway(id);
    this.#log.error("node refuses", { node, status, reason });
    return refusals.nodeAway(id);
  }

  #notReached(node: string, id: string, error: unknown): Refusal {
    this.#log.warn("node not reached", { node, reason: errorMessage(error) });
    return refusals.nodeAway(id);
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
    this.#ending.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#beating;
    await this.#directory.leave().catch(() => {});
    this.#directory[Symbol.dispose]();
  }

  /** The time that all nodes agree on: Redis's, as of the last beat. */
  #now(): number {
    const { last } = this.#heartbeat;
    return last === undefined ? Date.now() : last.now + performance.now() - this.#beatAt;
  }

  #others(): string[] {
    return this.#heartbeat.last?.nodes.filter((url) => url !== this.nodeUrl) ?? [];
  }

  #beat(): void {
    // Before it is attached there is nothing to renew.
    if (this.#host === undefined || this.#ending.signal.aborted) return;
    this.#due = true;
    this.#beating ??= this.#runBeats().finally(() => this.#beating = undefined);
  }

  async #runBeats(): Promise<void> {
    while (this.#due && this.#directory.connected && !this.#ending.signal.aborted) {
      this.#due = false;
      await this.#runBeat();
    }
  }

  async #runBeat(): Promise<void> {
    const before = this.#heartbeat.last;
    try {
      await this.#heartbeat.run();
    } catch (error) {
      this.#log.warn("leases not renewed", { reason: errorMessage(error) });
    }
    const { last } = this.#heartbeat;
    if (last === before || last === undefined) return;
    this.#beatAt = performance.now();
    if (last.replaced && !before?.replaced) {
      this.#log.error("another server uses this --node-url", { node: this.nodeUrl });
    }
  }

  /** Where an agent is; undefined: nowhere. */
  async #find(id: string): Promise<Place | "unknown" | undefined> {
    try {
      const [place] = await this.#directory.find([id]);
      return place === "unsettled" ? "unknown" : place;
    } catch {
      return "unknown";
    }
  }

  async #open(node: string, request: LinkRequest): Promise<NodeLink> {
    const connection = await this.#peers.open(node, request);
    const socket = new LinkSocket(connection);
    const { address } = request;
    const resumable = connection.protocol === RESUME_SUBPROTOCOL;
    const peer = this.#host.connections.add(socket, { address, halfClose: true, resumable });
    return { peer, start: () => socket.start() };
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

  /** Looks for the agents that clients here wait for, all at once. */
  async #look(): Promise<void> {
    const { rendezvous } = this.#host;
    const stranded = rendezvous.stranded();
    if (this.#looking || stranded.length === 0 || !this.#directory.connected) return;
    this.#looking = true;
    try {
      const ids = [...new Set(stranded.map(({ id }) => id))];
      const found = await this.#directory.find(ids);
      const isElsewhere = (place: Place | "unsettled" | undefined) =>
        typeof place === "object" && place.alive && place.url !== this.nodeUrl;
      const there = new Set(ids.filter((_, i) => isElsewhere(found[i])));
      const arrived = stranded.filter(({ id }) => there.has(id));
      const next = async () => {
        for (let one = arrived.pop(); one !== undefined; one = arrived.pop()) {
          await this.#forward(one.id, one.client, one.until - Date.now());
        }
      };
      await Promise.all(Array.from({ length: MAX_CONNECTING }, next));
    } catch {
      // The directory is away; the next look comes soon.
    } finally {
      this.#looking = false;
    }
  }

  /** Connects a client that has waited here to the node where its agent has arrived. */
  async #forward(id: string, client: ClientConnection, leftMs: number): Promise<void> {
    if (leftMs <= 0) return;
    const { address, resumable } = client;
    const link = await this.reach({ who: "client", id, address, waitMs: leftMs, resumable });
    if (link === undefined || "label" in link) return;
    const { rendezvous } = this.#host;
    const isWaiting = rendezvous.stranded().some((waiting) => waiting.client === client);
    if (!isWaiting) return link.peer.close(1000, "");
    rendezvous.leave(id, client);
    this.join(client, link);
  }
}
