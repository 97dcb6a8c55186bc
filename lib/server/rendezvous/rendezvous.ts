/**
 * Who waits for whom: agents and their parked data connections, clients, and the pairs they form.
 * It has no sockets and no timers; {@link Rendezvous.sweep} is called from outside.
 *
 * - agents.ts decides which agent has which ID.
 * - Pairs outlive their agent's control connection.
 * - Clients that cannot be paired at once wait in the order of arrival.
 *
 * @module
 */
import { CloseCode } from "../../protocol/messages.ts";
import { type IpRange, isInRanges, networkOf } from "../../text/ip_address.ts";
import { type Agent, agentInfo, Agents, owns } from "./agents.ts";
import { type Draining, Pairs, type PairsOptions } from "./pairs.ts";
import * as refusals from "./refusals.ts";
import type {
  AgentHandle,
  AgentInfo,
  Client,
  Closable,
  Control,
  Counts,
  Refusal,
  RegisterRequest,
  ServerEvent,
} from "./types.ts";
import { ResumeSecrets } from "./resume_secrets.ts";
import { type Waiting, WaitingRoom } from "./waiting.ts";

/** How long a client waits for a connected agent to park a data connection, in milliseconds. */
export const QUEUE_MS = 30_000;
/** How many data connections an agent is asked to keep parked. */
export const PARKED = 2;
/** How many an agent may have parked. */
const MAX_PARKED = 8;
/** How many clients may wait at a time, for all agents: the server keeps what they send. */
const MAX_WAITING = 1_000;

export interface RendezvousOptions<Data, C> {
  maxAgents: number;
  maxClientsPerAgent: number;
  /** Of these; of IPv6 for each network of 64 bits. */
  maxClientsPerAddress: number;
  /** Addresses for which that does not hold. @default none */
  exempt?: IpRange[];
  link: PairsOptions<Data, C>["link"];
  /** @default with a random key */
  secrets?: ResumeSecrets;
  observe?(event: ServerEvent): void;
  /** Whether this node of a cluster may answer for an ID now. @default yes */
  mayAnswer?(id: string): boolean;
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
  readonly #pairs: Pairs<Data, C>;
  #draining = false;

  constructor(options: RendezvousOptions<Data, C>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    const { maxAgents, makeId, secrets = new ResumeSecrets() } = options;
    this.#agents = new Agents({ maxAgents, makeId, secrets, now: this.#now });
    const { link } = options;
    this.#pairs = new Pairs({ link, observe: (event) => this.#observe(event), now: this.#now });
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** All agents and their clients. */
  snapshot(): AgentInfo[] {
    return Array.from(this.#agents, agentInfo);
  }

  /** How much there is of each kind, including pairs whose agent is gone. */
  counts(): Counts {
    let parked = 0;
    for (const agent of this.#agents) parked += agent.parked.length;
    const waiting = this.#waiting.size;
    return { ...this.#agents.counts, parked, waiting, ...this.#pairs.counts() };
  }

  /**
   * An agent wants `id`. With the secret of an earlier registration it gets that one back, and its
   * former control connection is closed; if the ID is taken, it gets a random one.
   */
  register(id: string, request: RegisterRequest, control: Control): AgentHandle | Refusal {
    if (this.#draining) return refusals.draining;
    const claim = this.#agents.claim(id, request);
    if ("label" in claim) return claim;
    const { agent, secret, resumed, displaced } = claim;
    if (displaced) this.#displace(displaced);
    agent.control?.close(CloseCode.replaced, "the agent has connected again");
    // Parked connections may be as dead as the control connection; the agent parks new ones.
    this.#closeParked(agent, CloseCode.replaced, "the agent has connected again");
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

  /** Whether an agent may try to register `id`; its secret comes later. */
  admitAgent(id: string): Refusal | undefined {
    return this.#draining ? refusals.draining : this.#agents.admit(id);
  }

  /** Parks a data connection, or pairs it with a client that waits. */
  park(id: string, secret: string, data: Data): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const agent = this.#agents.get(id);
    if (!agent?.control || !owns(agent, secret)) return refusals.wrongSecret(id);
    if (!this.#mayAnswer(id)) return refusals.directoryAway(id);
    const waiting = this.#waiting.takeFirst(id);
    if (waiting) {
      this.#pairs.add(agent, data, waiting.client, waiting.since);
    } else if (agent.parked.length >= MAX_PARKED) {
      return refusals.tooManyParked(id, MAX_PARKED);
    } else {
      agent.parked.push(data);
    }
  }

  /** A parked data connection has closed. */
  unpark(id: string, data: Data): void {
    const agent = this.#agents.get(id);
    if (agent) agent.parked = agent.parked.filter((other) => other !== data);
  }

  /**
   * Whether a client may join, asked before the upgrade.
   *
   * @param patient whether it waits for an agent that is not connected
   */
  admitClient(id: string, patient: boolean, address: string): Refusal | undefined {
    if (this.#draining) return refusals.draining;
    const agent = this.#agents.get(id);
    if (!agent && !patient) return refusals.unknownId(id);
    if (agent && !this.#mayAnswer(id)) return refusals.directoryAway(id);
    if (!agent?.control && !patient) return refusals.agentAway(id);
    const limit = this.#options.maxClientsPerAgent;
    const clients = (agent?.pairs.size ?? 0) + this.#waiting.count(id);
    if (clients >= limit) return refusals.tooManyClients(id, limit);
    const network = networkOf(address);
    const isNear = (client: { address: string }) => networkOf(client.address) === network;
    const near = Array.from(agent?.pairs ?? []).filter(isNear).length +
      this.#waiting.count(id, ({ client }) => isNear(client));
    const most = this.#options.maxClientsPerAddress;
    const isExempt = isInRanges(address, this.#options.exempt ?? []);
    if (near >= most && !isExempt) return refusals.tooManyFromAddress(id, most);
    // A full queue must not keep out clients that need not queue.
    const waits = !agent?.control || agent.parked.length === 0;
    if (waits && this.#waiting.size >= MAX_WAITING) return refusals.tooManyWaiting;
  }

  /**
   * Pairs a client that was admitted in this turn, now or once the agent parks a connection.
   *
   * @param waitMs how long it waits for an agent that is not connected, in milliseconds
   */
  join(id: string, client: C, waitMs = 0): void {
    const now = this.#now();
    const agent = this.#agents.get(id);
    const data = agent?.control && agent.parked.shift();
    if (agent && data) return this.#pairs.add(agent, data, client, now);
    const patient = waitMs > 0;
    const until = now + (patient ? waitMs : QUEUE_MS);
    this.#waiting.add({ id, client, since: now, until, patient });
    this.#observe({ type: "waiting", id, address: client.address });
  }

  /** A waiting client has closed. */
  leave(id: string, client: C): void {
    this.#waiting.take(id, (waiting) => waiting.client === client);
  }

  /** Whether an agent with this ID is registered here. */
  has(id: string): boolean {
    return this.#agents.get(id) !== undefined;
  }

  /** Whether `secret` is that of the agent's registration here. */
  owns(id: string, secret: string | undefined): boolean {
    const agent = this.#agents.get(id);
    return agent !== undefined && owns(agent, secret);
  }

  /** Another agent has asked another node for an ID. */
  contested(id: string, at: number): void {
    const agent = this.#agents.get(id);
    if (agent) agent.contestedAt = Math.max(agent.contestedAt ?? 0, at);
  }

  /** The agent is at another node: ends what it has here, but for its pairs and who waits for it. */
  release(id: string, reason: string): void {
    const agent = this.#agents.get(id);
    if (!agent) return;
    const { control } = agent;
    agent.control = undefined;
    this.#agents.remove(agent);
    this.#closeParked(agent, CloseCode.replaced, reason);
    control?.close(CloseCode.replaced, reason);
    this.#observe({ type: "unregistered", id, reason });
  }

  /** The clients that wait for an agent that is not here. */
  stranded(): Waiting<C>[] {
    return this.#waiting.all(({ id }) => !this.has(id));
  }

  /** Ends what has waited too long; to be called about once a second. */
  sweep(): void {
    const now = this.#now();
    for (const agent of this.#agents.overdue()) this.#remove(agent, "the agent was lost");
    for (const { id, client, patient } of this.#waiting.takeAll(({ until }) => until <= now)) {
      const reason = this.#agents.get(id)
        ? "the agent did not take the connection in time"
        : "the agent did not connect in time";
      client.close(patient ? CloseCode.waitExpired : CloseCode.peerLost, reason);
    }
  }

  /** Stops pairing and registering, and tells the agents and who can go on elsewhere. */
  drain(): Draining {
    this.#draining = true;
    for (const agent of this.#agents) agent.control?.drain();
    for (const { client } of this.#waiting.takeAll(() => true)) {
      client.close(CloseCode.goingAway, "the server is shutting down");
    }
    return this.#pairs.drain();
  }

  /** Closes every pair. */
  closePairs(code: number, reason: string): void {
    this.#pairs.closeAll(code, reason);
  }

  #gone(agent: Agent<Data>, control: Control, goodbye: boolean): void {
    if (agent.control !== control) return;
    agent.control = undefined;
    const why = this.#draining ? "the agent moves to the next server" : "the agent ended";
    if (goodbye) return this.#remove(agent, why);
    this.#agents.lose(agent);
    this.#observe({ type: "lost", id: agent.id });
  }

  /** Takes an agent's ID away; it connects again at once and gets another one. */
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

  /** Closes what waits for an agent whose ID is free now. */
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

  #mayAnswer(id: string): boolean {
    return this.#options.mayAnswer?.(id) ?? true;
  }

  #observe(event: ServerEvent): void {
    this.#options.observe?.(event);
  }
}
