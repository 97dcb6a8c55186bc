/**
 * Which agent has which ID.
 *
 * - An ID belongs to the agent with the secret of its registration, until that agent ends or has
 *   been away for the grace time.
 * - A server that has just started knows no secrets. For the grace time an agent that names one
 *   gets its ID back from a newcomer that was faster.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { makeRendezvousId } from "../../protocol/names.ts";
import type { AgentFacts, StatusMessage } from "../../protocol/messages.ts";
import * as refusals from "./refusals.ts";
import type { AgentInfo, ClientInfo, Control, Link, Refusal, RegisterRequest } from "./types.ts";

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
  readonly secretHash: Uint8Array;
  /** Whether it named no secret when it came. */
  readonly newcomer: boolean;
  readonly since: number;
  address: string;
  version: string;
  facts: AgentFacts;
  /** Missing while the agent is away. */
  control?: Control;
  lostAt: number;
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

/** Whether `secret` is that of the agent's registration. */
export function owns(agent: Agent<unknown>, secret: string | undefined): boolean {
  return secret !== undefined && timingSafeEqual(agent.secretHash, hash(secret));
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
   * Gives an agent the ID that it wants if that is free or its own, else a random one. A secret
   * from before the server's restart is kept: the agent may miss our answer and try again.
   */
  claim(id: string, request: RegisterRequest): Claim<Data> | Refusal {
    const { address, version, facts } = request;
    const resume = SECRET.test(request.resume ?? "") ? request.resume : undefined;
    const holder = this.#byId.get(id);
    if (holder && resume !== undefined && owns(holder, resume)) {
      this.#away.delete(holder);
      Object.assign(holder, { address, version, facts });
      return { agent: holder, secret: resume, resumed: true };
    }
    const starting = this.#options.now() - this.#startedAt < GRACE_MS;
    const displaced = holder?.newcomer && resume !== undefined && starting ? holder : undefined;
    if (displaced) this.remove(displaced);
    const full = this.#refuseIfFull();
    if (full) return full;
    const isFree = !this.#byId.has(id);
    const secret = isFree && resume !== undefined ? resume : makeSecret();
    const agent: Agent<Data> = {
      id: isFree ? id : this.#freeId(),
      secretHash: hash(secret),
      newcomer: resume === undefined,
      since: this.#options.now(),
      ...{ address, version, facts },
      lostAt: 0,
      parked: [],
      pairs: new Set(),
    };
    this.#byId.set(agent.id, agent);
    return { agent, secret, resumed: false, displaced };
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
  const { toAgent, toClient, buffered } = link;
  return { key, address, since, toAgent, toClient, buffered };
}
