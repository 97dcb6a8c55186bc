import type { Log } from "../log/log.ts";
import { RepeatedLines } from "../log/repeated_lines.ts";
import { errorMessage } from "../text/error_message.ts";
import type { ServerOptions, Tls } from "../cli/server_options.ts";
import { CloseCode } from "../protocol/messages.ts";
import { within } from "../wire/delay.ts";
import type { MessageSocket } from "../wire/message_socket.ts";
import { type AgentServices, type Registry, serveAgent } from "./relay/agent_connection.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { NodeLink } from "./cluster/node_routes.ts";
import type { ClusterTiming } from "./cluster/directory.ts";
import type { PeerVisit } from "./cluster/peer_requests.ts";
import { ClientConnection, serveClient } from "./relay/client_connection.ts";
import { Connections } from "./relay/connections.ts";
import type { DataConnection } from "./relay/data_connection.ts";
import type { PeerSocket } from "./relay/peer_socket.ts";
import { protect, textResponse } from "./http/http.ts";
import { type HttpPeer, Listener } from "./http/listener.ts";
import { AddressLimits } from "./limits/address_limits.ts";
import type { ServerLoad } from "./telemetry/load.ts";
import { logEvents } from "./telemetry/log_events.ts";
import { Rendezvous } from "./rendezvous/rendezvous.ts";
import type { ResumeSecrets } from "./rendezvous/resume_secrets.ts";
import type { AgentInfo, Refusal, ServerEvent } from "./rendezvous/types.ts";
import {
  type Pages,
  refusalResponse,
  Router,
  type StaticFiles,
  type TurnedDown,
  upgradeRequired,
  type Welcome,
} from "./http/router.ts";
import { clientAddress, type SiteConfig, siteConfig, siteOf } from "./http/site.ts";
import { findTarget, type RequestTarget } from "./http/target.ts";
import { isUpgrade, offersResuming, upgradeWebSocket } from "./http/websocket_upgrade.ts";
import { TIMING, type Timing } from "./timing.ts";

/** All receivers together may be this many times as far behind as one may. */
const SLOW_RECEIVERS = 64;

export interface ServerDependencies {
  log: Log;
  /** Drains and ends the server. */
  signal?: AbortSignal;
  /** Cuts draining short. */
  hurry?: AbortSignal;
  /** @default none */
  pages?: Pages;
  /** @default none yet */
  staticFiles?: StaticFiles;
  /** Called for each event, after it is logged. */
  observe?: (event: ServerEvent) => void;
  /** For tests. */
  timing?: Partial<Timing>;
  clusterTiming?: Partial<ClusterTiming>;
}

/** What a client wants. */
export interface ClientRequest {
  id: string;
  /** As in `?wait=`. */
  wait: string;
  address: string;
}

/** Answers requests, and upgrades and watches websockets, until it ends. */
export class RendezvousServer {
  readonly #listener: Listener;
  readonly #log: Log;
  readonly #repeated: RepeatedLines;
  readonly #site: SiteConfig;
  readonly #policy: AgentServices["policy"];
  readonly #timing: Timing;
  readonly #rendezvous: Rendezvous<DataConnection, ClientConnection>;
  readonly #router: Router;
  readonly #observe: (event: ServerEvent) => void;
  readonly #connections: Connections;
  readonly #limits: AddressLimits;
  readonly #cluster: Cluster | undefined;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves to cut draining short. */
  readonly #hurry = Promise.withResolvers<void>();

  constructor(
    options: ServerOptions,
    dependencies: ServerDependencies,
    policy: AgentServices["policy"],
    secrets: ResumeSecrets,
    cluster?: Cluster,
  ) {
    const { log } = dependencies;
    this.#cluster = cluster;
    this.#log = log;
    this.#policy = policy;
    this.#timing = { ...TIMING, ...dependencies.timing };
    this.#repeated = new RepeatedLines(log);
    const logEvent = logEvents(log, this.#repeated);
    this.#observe = (event) => {
      logEvent(event);
      dependencies.observe?.(event);
      cluster?.observe(event);
    };
    this.#limits = new AddressLimits(options);
    const { maxBuffer } = options;
    this.#connections = new Connections(SLOW_RECEIVERS * maxBuffer);
    const { backlog } = this.#connections;
    this.#rendezvous = new Rendezvous({
      ...options,
      secrets,
      link: (data, client, pairing) => client.relay(data, pairing, { maxBuffer, backlog }),
      observe: this.#observe,
      ...cluster && { mayAnswer: (id) => cluster.answers(id), makeId: () => cluster.key.makeId() },
    });
    cluster?.attach({
      rendezvous: this.#rendezvous,
      connections: this.#connections,
      relay: { maxBuffer, backlog },
    });
    const noPage: Pages = (_request, _site, path) => textResponse(404, `nothing at ${path}`);
    const notYet = () => Promise.resolve(textResponse(503, "no files yet"));
    this.#router = new Router({
      gate: this.#rendezvous,
      pages: dependencies.pages ?? noPage,
      staticFiles: dependencies.staticFiles ?? notYet,
    });
    this.#listener = new Listener(options, {
      log,
      handler: (request, peer) => this.#answer(request, peer),
      onDropped: (dropped) => this.#observe({ type: "dropped", ...dropped }),
    });
    this.#site = siteConfig(options, this.port);
    this.#sweeper = setInterval(() => this.#sweep(), this.#timing.sweepMs);
  }

  get port(): number {
    return this.#listener.port;
  }

  get url(): string {
    return siteOf(new Headers(), this.#site).http;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  useTls(tls: Tls): void {
    this.#listener.useTls(tls);
  }

  /** Of a cluster with those of the other nodes, as of the last {@link RendezvousServer.refresh}. */
  snapshot(): AgentInfo[] {
    return [...this.#rendezvous.snapshot(), ...this.#cluster?.snapshot() ?? []];
  }

  async refresh(): Promise<void> {
    await this.#cluster?.refresh();
  }

  load(): ServerLoad {
    this.#connections.settle();
    const { size, backlog } = this.#connections;
    return {
      ...this.#rendezvous.counts(),
      connections: size,
      buffered: backlog.bytes,
      bufferLimit: backlog.limit,
      cluster: this.#cluster?.load(),
    };
  }

  /** Ends, giving open pairs `drainMs`; a second call ends what is left at once. */
  async end(drainMs: number): Promise<void> {
    if (this.#rendezvous.draining) {
      this.#hurry.resolve();
      return await this.#closed.promise;
    }
    // Before anyone is told: they look for the next server at once.
    this.#listener.leavePort();
    this.#log.info("draining", { drainMs });
    const { moved, rest } = this.#rendezvous.drain();
    const ended = Promise.all([rest, within(this.#timing.moveMs, moved), this.#cluster?.drain()]);
    await within(drainMs, Promise.race([ended, this.#hurry.promise]));
    this.#rendezvous.closePairs(CloseCode.goingAway, "the server is shutting down");
    this.#cluster?.closeLinks(CloseCode.goingAway, "the server is shutting down");
    const { lastCloseMs } = this.#timing;
    await this.#connections.close(CloseCode.goingAway, "the server is shutting down", lastCloseMs);
    clearInterval(this.#sweeper);
    await this.#cluster?.end();
    await this.#listener.close(lastCloseMs);
    this.#log.info("ended");
    this.#closed.resolve();
  }

  #sweep(): void {
    this.#rendezvous.sweep();
    this.#repeated.flush();
    this.#connections.settle();
  }

  async #answer(request: Request, peer: HttpPeer): Promise<Response> {
    const response = await this.#respond(request, peer);
    return response.status === 101 ? response : protect(response);
  }

  async #respond(request: Request, peer: HttpPeer): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return textResponse(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });
    }
    try {
      const target = findTarget(request, this.#site);
      if (target instanceof Response) return target;
      const visit = await this.#cluster?.answer(target);
      if (visit instanceof Response) return visit;
      if (visit && isUpgrade(request)) return this.#upgradePeer(request, peer, visit);
      if (visit) return await this.#router.respond(visit.target, visit.address);
      return isUpgrade(request)
        ? await this.#upgrade(request, peer, target)
        : await this.#peek(target, this.#addressOf(request, peer));
    } catch (error) {
      this.#log.error("request failed", {
        path: new URL(request.url).pathname,
        reason: errorMessage(error),
      });
      return textResponse(500, "internal error: see the server's log");
    }
  }

  #addressOf(request: Request, peer: HttpPeer): string {
    return clientAddress(peer.address, request.headers, this.#site.trustProxy);
  }

  /** Tells the observer too why a connection is refused. */
  #refuse({ who, id }: Welcome | TurnedDown, address: string, refusal: Refusal): Refusal {
    if (who) this.#observe({ type: "refused", who, id, address, refusal });
    return refusal;
  }

  /** Counts a connection of an address that is no websocket. @returns why it is one too many */
  admitAddress(address: string): Refusal | undefined {
    return this.#limits.connect(address);
  }

  /** Connects a client that came another way than by a websocket. */
  async openClient(
    { id, wait, address }: ClientRequest,
    open: () => MessageSocket,
  ): Promise<Refusal | undefined> {
    const admit = () => this.#router.admitClient(id, wait, address);
    const limit = this.#limits.connect(address);
    const reaching = limit ? undefined : this.#reach(admit(), address, false);
    const link = reaching && await reaching;
    const admitted = this.#decide(admit(), limit, link);
    if ("refusal" in admitted) return this.#refuse(admitted.answer, address, admitted.refusal);
    const connection = this.#connections.add(open(), { address, halfClose: true });
    this.#serve(connection, admitted);
  }

  async #upgrade(request: Request, peer: HttpPeer, target: RequestTarget): Promise<Response> {
    const address = this.#addressOf(request, peer);
    const admit = () => this.#router.admit(target, address);
    const limit = this.#limits.connect(address);
    const reaching = limit ? undefined : this.#reach(admit(), address, offersResuming(request));
    const link = reaching && await reaching;
    // From here on in one turn: what is decided holds no longer.
    const admitted = this.#decide(admit(), limit, link);
    if ("refusal" in admitted) {
      return refusalResponse(this.#refuse(admitted.answer, address, admitted.refusal));
    }
    const upgraded = upgradeWebSocket(request, this.#timing.idleMs);
    if (upgraded instanceof Response) {
      admitted.link?.peer.close(CloseCode.normal, "");
      return upgraded;
    }
    const { socket, response, halfClose, resumable } = upgraded;
    const connection = this.#connections.add(socket, { address, halfClose, resumable });
    peer.guard(connection);
    this.#serve(connection, admitted);
    return response;
  }

  /** Upgrades what another node of the cluster has brought. */
  #upgradePeer(request: Request, peer: HttpPeer, visit: PeerVisit): Response {
    const { target, address, wrap, registry } = visit;
    const answer = this.#router.admit(target, address);
    if ("refusal" in answer) return refusalResponse(answer.refusal);
    const upgraded = upgradeWebSocket(request, this.#timing.idleMs);
    if (upgraded instanceof Response) return upgraded;
    const { response, halfClose, resumable } = upgraded;
    const { socket, reports } = wrap(upgraded.socket);
    const connection = this.#connections.add(socket, { address, halfClose, resumable, reports });
    peer.guard(connection);
    this.#serve(connection, { answer }, registry);
    return response;
  }

  /** Answers a request without an upgrade; whether a client may connect another node may know. */
  async #peek(target: RequestTarget, address: string): Promise<Response> {
    const [, id] = /^\/client\/(.*)$/.exec(target.path) ?? [];
    const answer = this.#cluster && id !== undefined && this.#router.admit(target, address);
    if (answer && "refusal" in answer && answer.refusal.label === "unknown-id") {
      const request = {
        who: "client",
        id: answer.id,
        address,
        waitMs: 0,
        resumable: false,
      } as const;
      const there = await this.#cluster!.peek(request);
      if (there === undefined) return upgradeRequired();
      if (there !== "unknown") return refusalResponse(there);
    }
    return await this.#router.respond(target, address);
  }

  /** Connects to the node that has a client's agent, if another node of the cluster may have it. */
  #reach(
    answer: Welcome | TurnedDown,
    address: string,
    resumable: boolean,
  ): Promise<NodeLink | Refusal | undefined> | undefined {
    if (!this.#cluster || answer.who !== "client") return undefined;
    if ("refusal" in answer && answer.refusal.label !== "unknown-id") return undefined;
    const waitMs = "refusal" in answer ? 0 : answer.waitMs;
    return this.#cluster.reach({ who: "client", id: answer.id, address, waitMs, resumable });
  }

  /** @param link to the node that has the client's agent, or why it is refused */
  #decide(
    answer: Welcome | TurnedDown,
    limit: Refusal | undefined,
    link: NodeLink | Refusal | undefined,
  ): Admitted | NotAdmitted {
    if (limit) return { answer, refusal: limit };
    if (link && "label" in link) return { answer, refusal: link };
    if (link) return { answer: { who: "client", id: answer.id, waitMs: 0 }, link };
    return "refusal" in answer ? { answer, refusal: answer.refusal } : { answer };
  }

  #serve(connection: PeerSocket, { answer, link }: Admitted, registry?: Registry): void {
    const { who, id, waitMs } = answer;
    const { address } = connection;
    if (link) return this.#cluster!.join(new ClientConnection(connection, () => {}), link);
    if (who === "client") return serveClient(connection, id, waitMs, this.#rendezvous);
    serveAgent(connection, id, {
      policy: this.#policy,
      rendezvous: this.#rendezvous,
      limits: this.#limits,
      helloMs: this.#timing.helloMs,
      onRefused: (refusal) => this.#refuse(answer, address, refusal),
      registry: registry ?? this.#cluster?.registration,
    });
  }
}

/** A connection that may be served; with the link to the node that has the client's agent. */
interface Admitted {
  answer: Welcome;
  link?: NodeLink;
}

interface NotAdmitted {
  answer: Welcome | TurnedDown;
  refusal: Refusal;
}
