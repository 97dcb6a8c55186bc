/**
 * Who waits for whom: agents and their parked data connections, clients, and the pairs they make.
 * No sockets and no timers of its own; {@link Rendezvous.sweep} is called from outside.
 *
 * - rendezvous_agents.ts says which agent has which ID.
 * - Pairs outlive their agent's control connection.
 * - A client that cannot be paired at once waits in the order of arrival.
 *
 * @module
 */
import { CloseCode } from "../../protocol/messages.ts";
import { type Agent, agentInfo, Agents, clientInfo, owns } from "./agents.ts";
import * as refusals from "./refusals.ts";
import type {
  AgentHandle,
  AgentInfo,
  Client,
  Closable,
  Control,
  Counts,
  Link,
  Refusal,
  RegisterRequest,
  ServerEvent,
} from "./types.ts";
import { WaitingRoom } from "./waiting.ts";

/** How long a client waits for a connected agent to park a data connection, in milliseconds. */
export const QUEUE_MS = 30_000;
/** How many data connections an agent is asked to keep parked. */
export const PARKED = 2;
/** How many an agent may have parked, so that it cannot fill the server with idle ones. */
const MAX_PARKED = 8;
/** How many clients may wait at a time, whoever they wait for: each may have sent a little. */
const MAX_WAITING = 1_000;

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

/** The meeting point of agents and clients, see the module's description. */
export class Rendezvous<Data extends Closable, C extends Client> {
  readonly #options: RendezvousOptions<Data, C>;
  readonly #now: () => number;
  readonly #agents: Agents<Data>;
  readonly #waiting = new WaitingRoom<C>();
  readonly #links = new Set<Link>();
  #nextKey = 1;
  #draining = false;

  constructor(options: RendezvousOptions<Data, C>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    const { maxAgents, makeId } = options;
    this.#agents = new Agents({ maxAgents, makeId, now: this.#now });
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** What there is right now. */
  snapshot(): AgentInfo[] {
    return Array.from(this.#agents, agentInfo);
  }

  /** How much of all there is right now, pairs included whose agent has ended. */
  counts(): Counts {
    const counts = {
      ...this.#agents.counts,
      parked: 0,
      waiting: this.#waiting.size,
      pairs: this.#links.size,
      toAgent: 0,
      toClient: 0,
    };
    for (const { parked } of this.#agents) counts.parked += parked.length;
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
  register(id: string, request: RegisterRequest, control: Control): AgentHandle | Refusal {
    if (this.#draining) return refusals.draining;
    const claim = this.#agents.claim(id, request);
    if ("label" in claim) return claim;
    const { agent, secret, resumed, displaced } = claim;
    if (displaced) this.#displace(displaced);
    agent.control?.close(CloseCode.replaced, "the same agent has connected again");
    // What was parked may be as dead as the control connection was; the agent parks again.
    this.#closeParked(agent, CloseCode.replaced, "the same agent has connected again");
    agent.control = control;
    this.#observe({ type: "registered", agent: agentInfo(agent), asked: id, resumed });
    return {
      id: agent.id,
      secret,
      report: (status) => {
        agent.status = status;
        this.#observe({ type: "status", id: agent.id });
      },
      gone: (goodbye) => this.#gone(agent, control, goodbye),
    };
  }

  /** Whether an agent may try to register `id`, without its secret being known yet. */
  admitAgent(id: string): Refusal | undefined {
    return this.#draining ? refusals.draining : this.#agents.admit(id);
  }

  /** An agent parks a data connection; a client that waits gets it at once. */
  park(id: string, secret: string, data: Data): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const agent = this.#agents.get(id);
    if (!agent?.control || !owns(agent, secret)) return refusals.wrongSecret(id);
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
    for (const agent of this.#agents.overdue()) this.#remove(agent, "the agent was lost");
    for (const { id, client, patient } of this.#waiting.takeAll(({ until }) => until <= now)) {
      const reason = this.#agents.get(id)
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
    for (const agent of this.#agents) agent.control?.drain();
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
    const why = this.#draining ? "the agent looks for the next server" : "the agent has ended";
    if (goodbye) return this.#remove(agent, why);
    this.#agents.lose(agent);
    this.#observe({ type: "lost", id: agent.id });
  }

  /** Tells an agent that its ID is another's now; it comes back at once and gets a new one. */
  #displace(agent: Agent<Data>): void {
    const reason = "the ID is that of an agent from before the server's start";
    const { control } = agent;
    agent.control = undefined;
    this.#forget(agent, reason);
    control?.close(CloseCode.replaced, reason);
  }

  #remove(agent: Agent<Data>, reason: string): void {
    this.#agents.remove(agent);
    this.#forget(agent, reason);
  }

  /** Lets go of those who wait for an agent that has no ID any more. */
  #forget(agent: Agent<Data>, reason: string): void {
    this.#closeParked(agent, CloseCode.normal, reason);
    for (const { client } of this.#waiting.take(agent.id, ({ patient }) => !patient)) {
      client.close(CloseCode.peerLost, reason);
    }
    this.#observe({ type: "unregistered", id: agent.id, reason });
  }

  #closeParked(agent: Agent<Data>, code: number, reason: string): void {
    for (const data of agent.parked.splice(0)) data.close(code, reason);
  }

  #observe(event: ServerEvent): void {
    this.#options.observe?.(event);
  }
}
