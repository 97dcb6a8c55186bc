/**
 * Who waits for whom: agents and their parked data connections, clients, and the pairs they make.
 * No sockets and no timers of its own; {@link Rendezvous.sweep} is called from outside.
 *
 * - An ID belongs to whoever holds the secret of its registration, until the agent says goodbye or
 *   has been away for the grace time.
 * - A server that has just started knows no secrets. For the grace time an agent that names one gets
 *   its ID back from a newcomer that was faster.
 * - Pairs outlive their agent's control connection.
 * - A client that cannot be paired at once waits in the order of arrival.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import {
  type AgentFacts,
  CloseCode,
  makeRendezvousId,
  type StatusMessage,
} from "../wire/protocol.ts";
import * as refusals from "./rendezvous_refusals.ts";
import type {
  AgentInfo,
  Client,
  ClientInfo,
  Closable,
  Control,
  Counts,
  Link,
  Refusal,
  RegisterRequest,
  Registration,
  ServerEvent,
} from "./rendezvous_types.ts";
import { WaitingRoom } from "./rendezvous_waiting.ts";

/** How long an agent's ID stays its own after its connection or the server was lost, in milliseconds. */
export const GRACE_MS = 60_000;
/** How long a client waits for a connected agent to park a data connection, in milliseconds. */
export const QUEUE_MS = 30_000;
/** How many data connections an agent is asked to keep parked. */
export const PARKED = 2;
/** How many an agent may have parked, so that it cannot fill the server with idle ones. */
const MAX_PARKED = 8;
/** How many clients may wait at a time, whoever they wait for: each may have sent a little. */
const MAX_WAITING = 1_000;

/** A registered agent. */
interface Agent<Data> {
  readonly id: string;
  readonly secretHash: Uint8Array;
  /** Whether it named no secret when it came. */
  readonly newcomer: boolean;
  readonly since: number;
  address: string;
  version: string;
  facts: AgentFacts;
  control?: Control;
  lostAt: number;
  parked: Data[];
  status?: Omit<StatusMessage, "type">;
  readonly pairs: Set<Pair>;
}

interface Pair {
  key: number;
  since: number;
  address: string;
  link: Link;
}

export interface RendezvousOptions<Data, C> {
  maxAgents: number;
  maxClientsPerAgent: number;
  /** Starts to copy between an agent's data connection and a client. */
  link(data: Data, client: C, key: number): Link;
  observe?(event: ServerEvent): void;
  /** @default Date.now */
  now?: () => number;
  /** @default makeRendezvousId */
  makeId?: () => string;
}

/** 32 bytes in base64url, what a secret of a registration looks like. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

function makeSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

function hash(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** The meeting point of agents and clients, see the module's description. */
export class Rendezvous<Data extends Closable, C extends Client> {
  readonly #options: RendezvousOptions<Data, C>;
  readonly #now: () => number;
  readonly #agents = new Map<string, Agent<Data>>();
  /** Those whose control connection is lost. */
  readonly #away = new Set<Agent<Data>>();
  readonly #waiting = new WaitingRoom<C>();
  readonly #links = new Set<Link>();
  readonly #startedAt: number;
  #nextKey = 1;
  #draining = false;

  constructor(options: RendezvousOptions<Data, C>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** What there is right now. */
  snapshot(): AgentInfo[] {
    return Array.from(this.#agents.values(), (agent) => this.#info(agent));
  }

  /** How much of all there is right now, pairs included whose agent has ended. */
  counts(): Counts {
    const counts = {
      connected: this.#agents.size - this.#away.size,
      away: this.#away.size,
      parked: 0,
      waiting: this.#waiting.size,
      pairs: this.#links.size,
      toAgent: 0,
      toClient: 0,
    };
    for (const { parked } of this.#agents.values()) counts.parked += parked.length;
    for (const { toAgent, toClient } of this.#links) {
      counts.toAgent += toAgent;
      counts.toClient += toClient;
    }
    return counts;
  }

  /**
   * An agent wants `id`. With the secret of an earlier registration it gets that one back, and its
   * former control connection is closed; if the ID is another's, it gets a made-up one.
   */
  register(id: string, request: RegisterRequest, control: Control): Registration | Refusal {
    const refusal = this.admitAgent(id);
    if (refusal) return refusal;
    const { address, version, facts } = request;
    const resume = SECRET.test(request.resume ?? "") ? request.resume : undefined;
    let agent = this.#agents.get(id);
    const resumed = agent !== undefined && this.#owns(agent, resume);
    const starting = this.#now() - this.#startedAt < GRACE_MS;
    if (agent?.newcomer && !resumed && resume !== undefined && starting) {
      this.#displace(agent);
      agent = undefined;
    }
    // A secret from before the server's restart is kept: the agent may miss our answer and try again.
    const secret = resume !== undefined && (resumed || !agent) ? resume : makeSecret();
    if (agent && resumed) {
      agent.control?.close(CloseCode.replaced, "the same agent has connected anew");
      // What was parked may be as dead as the control connection was; the agent parks anew.
      this.#closeParked(agent, CloseCode.replaced, "the same agent has connected anew");
      this.#away.delete(agent);
      Object.assign(agent, { control, address, version, facts });
    } else {
      if (agent && this.#agents.size >= this.#options.maxAgents) {
        return refusals.tooManyAgents(this.#options.maxAgents);
      }
      agent = {
        id: agent ? this.#freeId() : id,
        secretHash: hash(secret),
        newcomer: resume === undefined,
        since: this.#now(),
        ...{ address, version, facts, control },
        lostAt: 0,
        parked: [],
        pairs: new Set(),
      };
      this.#agents.set(agent.id, agent);
    }
    this.#observe({ type: "registered", agent: this.#info(agent), asked: id, resumed });
    const registered = agent;
    return {
      id: registered.id,
      secret,
      report: (status) => {
        registered.status = status;
        this.#observe({ type: "status", id: registered.id });
      },
      gone: (goodbye) => this.#gone(registered, control, goodbye),
    };
  }

  /** Whether an agent may try to register `id`, without its secret being known yet. */
  admitAgent(id: string): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const full = this.#agents.size >= this.#options.maxAgents;
    return full && !this.#agents.has(id)
      ? refusals.tooManyAgents(this.#options.maxAgents)
      : undefined;
  }

  /** An agent parks a data connection; a client that waits gets it at once. */
  park(id: string, secret: string, data: Data): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const agent = this.#agents.get(id);
    if (!agent?.control || !this.#owns(agent, secret)) return refusals.wrongSecret(id);
    const waiting = this.#waiting.takeFirst(id);
    if (waiting) {
      this.#pair(agent, data, waiting.client, waiting.since);
    } else if (agent.parked.length >= MAX_PARKED) {
      return refusals.tooManyParked(id, MAX_PARKED);
    } else {
      agent.parked.push(data);
    }
  }

  /** A data connection has closed while it was parked. */
  unpark(id: string, data: Data): void {
    const agent = this.#agents.get(id);
    if (agent) agent.parked = agent.parked.filter((other) => other !== data);
  }

  /**
   * Whether a client may join, asked before the upgrade.
   *
   * @param patient it waits for an agent that is not there
   */
  admitClient(id: string, patient: boolean): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const agent = this.#agents.get(id);
    if (!agent && !patient) return refusals.unknownId(id);
    if (!agent?.control && !patient) return refusals.agentAway(id);
    const limit = this.#options.maxClientsPerAgent;
    const clients = (agent?.pairs.size ?? 0) + this.#waiting.count(id);
    if (clients >= limit) return refusals.tooManyClients(id, limit);
    // Those who fill the queue must not keep out whoever need not queue.
    const waits = !agent?.control || agent.parked.length === 0;
    if (waits && this.#waiting.size >= MAX_WAITING) return refusals.tooManyWaiting;
  }

  /**
   * A client that was admitted in this same turn: it is paired now, or once the agent parks.
   *
   * @param waitMs how long it waits for an agent that is not there, in milliseconds
   */
  join(id: string, client: C, waitMs = 0): void {
    const now = this.#now();
    const agent = this.#agents.get(id);
    const data = agent?.control && agent.parked.shift();
    if (agent && data) return this.#pair(agent, data, client, now);
    const patient = waitMs > 0;
    const until = now + (patient ? waitMs : QUEUE_MS);
    this.#waiting.add({ id, client, since: now, until, patient });
    this.#observe({ type: "waiting", id, address: client.address });
  }

  /** A client has closed while it waited. */
  leave(id: string, client: C): void {
    this.#waiting.take(id, (waiting) => waiting.client === client);
  }

  /** Ends what has waited for too long; to be called about once a second. */
  sweep(): void {
    const now = this.#now();
    for (const agent of this.#away) {
      if (now - agent.lostAt >= GRACE_MS) this.#remove(agent, "the agent was lost");
    }
    for (const { id, client, patient } of this.#waiting.takeAll(({ until }) => until <= now)) {
      const reason = this.#agents.has(id)
        ? "the agent did not take the connection in time"
        : "the agent did not come in time";
      client.close(patient ? CloseCode.waitExpired : CloseCode.peerLost, reason);
    }
  }

  /**
   * From now on nobody is paired or registered and agents are told so.
   *
   * @returns a promise that resolves when the last pair has ended
   */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const agent of this.#agents.values()) agent.control?.drain();
    for (const { client } of this.#waiting.takeAll(() => true)) {
      client.close(CloseCode.goingAway, "the server is ending");
    }
    await Promise.all(Array.from(this.#links, (link) => link.done));
  }

  /** Closes every pair. */
  closePairs(code: number, reason: string): void {
    for (const link of this.#links) link.close(code, reason);
  }

  #pair(agent: Agent<Data>, data: Data, client: C, since: number): void {
    const key = this.#nextKey++;
    const link = this.#options.link(data, client, key);
    const now = this.#now();
    const pair = { key, since: now, address: client.address, link };
    agent.pairs.add(pair);
    this.#links.add(link);
    const waitedMs = now - since;
    this.#observe({ type: "paired", id: agent.id, client: clientInfo(pair), waitedMs });
    link.done.then((end) => {
      agent.pairs.delete(pair);
      this.#links.delete(link);
      const durationMs = this.#now() - now;
      this.#observe({ type: "unpaired", id: agent.id, client: clientInfo(pair), end, durationMs });
    });
  }

  #gone(agent: Agent<Data>, control: Control, goodbye: boolean): void {
    if (agent.control !== control) return;
    agent.control = undefined;
    if (goodbye) return this.#remove(agent, "the agent has ended");
    agent.lostAt = this.#now();
    this.#away.add(agent);
    this.#observe({ type: "lost", id: agent.id });
  }

  /** Takes the ID of an agent, which comes back at once and gets another. */
  #displace(agent: Agent<Data>): void {
    const reason = "the ID is that of an agent from before the server's start";
    const { control } = agent;
    agent.control = undefined;
    this.#remove(agent, reason);
    control?.close(CloseCode.replaced, reason);
  }

  #remove(agent: Agent<Data>, reason: string): void {
    this.#away.delete(agent);
    this.#agents.delete(agent.id);
    this.#closeParked(agent, CloseCode.normal, reason);
    for (const { client } of this.#waiting.take(agent.id, ({ patient }) => !patient)) {
      client.close(CloseCode.peerLost, reason);
    }
    this.#observe({ type: "unregistered", id: agent.id, reason });
  }

  #closeParked(agent: Agent<Data>, code: number, reason: string): void {
    for (const data of agent.parked.splice(0)) data.close(code, reason);
  }

  #owns(agent: Agent<Data>, secret: string | undefined): boolean {
    return secret !== undefined && timingSafeEqual(agent.secretHash, hash(secret));
  }

  #freeId(): string {
    for (;;) {
      const id = (this.#options.makeId ?? makeRendezvousId)();
      if (!this.#agents.has(id)) return id;
    }
  }

  #info(agent: Agent<Data>): AgentInfo {
    const { id, address, version, facts, since, status } = agent;
    return {
      ...{ id, address, version, facts, since, status },
      connected: agent.control !== undefined,
      parked: agent.parked.length,
      clients: Array.from(agent.pairs, clientInfo),
    };
  }

  #observe(event: ServerEvent): void {
    this.#options.observe?.(event);
  }
}

function clientInfo({ key, address, since, link }: Pair): ClientInfo {
  const { toAgent, toClient, buffered } = link;
  return { key, address, since, toAgent, toClient, buffered };
}
