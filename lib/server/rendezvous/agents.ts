/**
 * Which agent has which ID.
 *
 * - An ID belongs to the agent with the secret of its registration, until that agent ends or has
 *   been away for the grace time.
 * - A server that has just started knows no agents. For the grace time, an agent that shows a
 *   secret issued for its ID gets that back from a newcomer that was faster. Only a server whose
 *   key outlives restarts can tell such a secret from an invented one.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { makeRendezvousId } from "../../protocol/names.ts";
import type { AgentFacts, StatusMessage } from "../../protocol/messages.ts";
import * as refusals from "./refusals.ts";
import type { ResumeSecrets } from "./resume_secrets.ts";
import type {
  AgentInfo,
  ClientInfo,
  Control,
  Grant,
  Link,
  Refusal,
  RegisterRequest,
} from "./types.ts";

/** How long an agent whose connection is lost keeps its ID, in milliseconds. */
export const GRACE_MS = 60_000;

/** A client that is connected to an agent. */
export interface Pair {
  key: number;
  since: number;
  address: string;
  link: Link;
}

/** A registered agent. */
export interface Agent<Data> {
  readonly id: string;
  secretHash: Uint8Array;
  /** Of the secret that it showed last: it may have missed our answer, and try again with it. */
  shownHash?: Uint8Array;
  /** Whether it showed no secret from before the start of the server. */
  readonly newcomer: boolean;
  readonly since: number;
  address: string;
  version: string;
  facts: AgentFacts;
  /** Missing while the agent is away. */
  control?: Control;
  lostAt: number;
  /** When another agent last asked for its ID. */
  contestedAt?: number;
  parked: Data[];
  status?: Omit<StatusMessage, "type">;
  readonly pairs: Set<Pair>;
}

/** The ID that an agent has got. */
export interface Claim<Data> {
  /** Its control connection is still the former one, if there is one. */
  agent: Agent<Data>;
  /** Proves that a connection is this agent's. */
  secret: string;
  /** Whether it was this agent's before. */
  resumed: boolean;
  /** Who had the ID until now, and has it no more. */
  displaced?: Agent<Data>;
}

export interface AgentsOptions {
  maxAgents: number;
  now: () => number;
  secrets: ResumeSecrets;
  /** @default makeRendezvousId */
  makeId?: () => string;
}

function hash(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** Whether `secret` is that of the agent's registration. */
export function owns(agent: Agent<unknown>, secret: string | undefined): boolean {
  if (secret === undefined) return false;
  const { secretHash, shownHash = secretHash } = agent;
  const given = hash(secret);
  return timingSafeEqual(secretHash, given) || timingSafeEqual(shownHash, given);
}

/** All registered agents by their IDs. */
export class Agents<Data> {
  readonly #options: AgentsOptions;
  readonly #byId = new Map<string, Agent<Data>>();
  /** Those whose control connection is lost. */
  readonly #away = new Set<Agent<Data>>();
  readonly #startedAt: number;

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  [Symbol.iterator](): Iterator<Agent<Data>> {
    return this.#byId.values();
  }

  /** How many are connected, and how many away. */
  get counts(): { connected: number; away: number } {
    const away = this.#away.size;
    return { connected: this.#byId.size - away, away };
  }

  get(id: string): Agent<Data> | undefined {
    return this.#byId.get(id);
  }

  /** Whether an agent may try to claim `id`, without its secret being known yet. */
  admit(id: string): Refusal | undefined {
    return this.#byId.has(id) ? undefined : this.#refuseIfFull();
  }

  /**
   * Gives an agent the ID that it wants if that is free or its own, else a random one. Its secret
   * is a new one each time.
   */
  claim(id: string, request: RegisterRequest): Claim<Data> | Refusal {
    const { address, version, facts, resume, grant } = request;
    const { secrets, now } = this.#options;
    if (grant) return this.#granted(id, request, grant);
    const holder = this.#byId.get(id);
    if (holder && resume !== undefined && owns(holder, resume)) {
      this.#away.delete(holder);
      Object.assign(holder, { address, version, facts });
      return { agent: holder, secret: this.#issue(holder, resume), resumed: true };
    }
    const issuedAt = resume === undefined ? undefined : secrets.issuedAt(id, resume);
    // A secret of this server's own run is of an agent that has ended.
    const newcomer = issuedAt === undefined || issuedAt >= this.#startedAt;
    const starting = now() - this.#startedAt < GRACE_MS;
    const displaced = holder?.newcomer && !newcomer && starting ? holder : undefined;
    if (displaced) this.remove(displaced);
    const full = this.#refuseIfFull();
    if (full) return full;
    const isFree = !this.#byId.has(id);
    if (holder && !isFree) holder.contestedAt = now();
    const agent = this.#add(isFree ? id : this.#freeId(), request, newcomer);
    const secret = this.#issue(agent, isFree ? resume : undefined);
    return { agent, secret, resumed: false, displaced };
  }

  /** Gives an agent what was decided elsewhere; nobody else has that ID here. */
  #granted(asked: string, request: RegisterRequest, grant: Grant): Claim<Data> | Refusal {
    const { address, version, facts, resume } = request;
    const { id, resumed } = grant;
    const other = this.#byId.get(asked);
    if (other && asked !== id) other.contestedAt = this.#options.now();
    const holder = this.#byId.get(id);
    const full = holder ? undefined : this.#refuseIfFull();
    if (full) return full;
    if (holder) {
      this.#away.delete(holder);
      Object.assign(holder, { address, version, facts });
    }
    const agent = holder ?? this.#add(id, request, !resumed);
    return { agent, secret: this.#issue(agent, resume, grant.secret), resumed };
  }

  #add(id: string, request: RegisterRequest, newcomer: boolean): Agent<Data> {
    const { address, version, facts } = request;
    const agent: Agent<Data> = {
      id,
      secretHash: new Uint8Array(),
      newcomer,
      since: this.#options.now(),
      ...{ address, version, facts },
      lostAt: 0,
      parked: [],
      pairs: new Set(),
    };
    this.#byId.set(id, agent);
    return agent;
  }

  /** Gives the agent its next secret, good beside the one that it has shown. */
  #issue(
    agent: Agent<Data>,
    shown?: string,
    secret = this.#options.secrets.issue(agent.id, this.#options.now()),
  ): string {
    agent.secretHash = hash(secret);
    agent.shownHash = shown === undefined ? undefined : hash(shown);
    return secret;
  }

  /** Marks an agent as away; it keeps its ID for the grace time. */
  lose(agent: Agent<Data>): void {
    agent.lostAt = this.#options.now();
    this.#away.add(agent);
  }

  /** Agents that have been away for longer than the grace time. */
  overdue(): Agent<Data>[] {
    const now = this.#options.now();
    return [...this.#away].filter(({ lostAt }) => now - lostAt >= GRACE_MS);
  }

  /** Frees the agent's ID. */
  remove(agent: Agent<Data>): void {
    this.#away.delete(agent);
    this.#byId.delete(agent.id);
  }

  #refuseIfFull(): Refusal | undefined {
    const { maxAgents } = this.#options;
    return this.#byId.size >= maxAgents ? refusals.tooManyAgents(maxAgents) : undefined;
  }

  #freeId(): string {
    for (;;) {
      const id = (this.#options.makeId ?? makeRendezvousId)();
      if (!this.#byId.has(id)) return id;
    }
  }
}

/** What logs, metrics and pages show of an agent. */
export function agentInfo(agent: Agent<unknown>): AgentInfo {
  const { id, address, version, facts, since, status } = agent;
  return {
    ...{ id, address, version, facts, since, status },
    connected: agent.control !== undefined,
    parked: agent.parked.length,
    clients: Array.from(agent.pairs, clientInfo),
  };
}

/** What they show of a client. */
export function clientInfo({ key, address, since, link }: Pair): ClientInfo {
  const { toAgent, toClient, buffered, resumable } = link;
  return { key, address, since, toAgent, toClient, buffered, resumable };
}
