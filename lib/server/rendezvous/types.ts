/** What the rendez-vous deals with and what it tells: connections, refusals, events. Pure types. */
import type { AgentFacts, StatusMessage } from "../../protocol/messages.ts";

/** Any connection; closing it twice does no harm. */
export interface Closable {
  close(code: number, reason: string): void;
}

/** An agent's control connection. */
export interface Control extends Closable {
  /** Tells the agent that the server is ending. */
  drain(): void;
}

/** A client's connection. */
export interface Client extends Closable {
  readonly address: string;
}

/** Why a pair ended. */
export type PairEndLabel =
  | "closed"
  | "agent-lost"
  | "client-lost"
  | "too-slow"
  | "protocol"
  | "shutdown";

/** How a pair ended. */
export interface PairEnd {
  label: PairEndLabel;
  /** For people. */
  reason: string;
}

/** The two connections of a pair, as something copies their bytes. */
export interface Link extends Closable {
  /** Bytes copied from the client to the agent so far. */
  readonly toAgent: number;
  /** Bytes copied from the agent to the client so far. */
  readonly toClient: number;
  /** Bytes taken from one side that the other has not taken yet. */
  readonly buffered: number;
  /** Resolves when both connections are closed; never rejects. */
  readonly done: Promise<PairEnd>;
}

/** Why somebody was turned down, for counting. */
export type RefusalLabel =
  | "unknown-id"
  | "agent-away"
  | "too-many-agents"
  | "too-many-clients"
  | "too-many-waiting"
  | "too-many-parked"
  | "draining"
  | "wrong-secret"
  | "wrong-token"
  | "wrong-version"
  | "bad-message"
  | "bad-request"
  | "foreign-origin"
  | "timeout";

/** Somebody is turned down. */
export interface Refusal {
  label: RefusalLabel;
  /** One line for a person: why, and what to do. */
  reason: string;
  /** The HTTP status, if it is told before the upgrade. */
  status: 400 | 403 | 404 | 503;
}

/** What happened, for logs, numbers and pages. Times are milliseconds since the epoch. */
export type ServerEvent =
  | { type: "registered"; agent: AgentInfo; asked: string; resumed: boolean }
  /** The control connection was lost; the ID stays reserved. */
  | { type: "lost"; id: string }
  | { type: "unregistered"; id: string; reason: string }
  | { type: "status"; id: string }
  | { type: "waiting"; id: string; address: string }
  | { type: "paired"; id: string; client: ClientInfo; waitedMs: number }
  | { type: "unpaired"; id: string; client: ClientInfo; end: PairEnd; durationMs: number }
  | { type: "refused"; who: "agent" | "client"; id: string; address: string; refusal: Refusal };

/** A client that is paired. */
export interface ClientInfo {
  /** Unique while the server runs. */
  key: number;
  address: string;
  since: number;
  toAgent: number;
  toClient: number;
  buffered: number;
}

/** How much there is right now. */
export interface Counts {
  /** Agents whose control connection is there. */
  connected: number;
  /** Agents who have lost theirs and still own their ID. */
  away: number;
  /** Data connections that wait for a client. */
  parked: number;
  /** Clients who wait for a data connection or an agent. */
  waiting: number;
  pairs: number;
  /** Bytes that the open pairs have copied from clients to agents. */
  toAgent: number;
  /** Bytes that the open pairs have copied from agents to clients. */
  toClient: number;
}

/** What an agent tells of itself and what the server knows of it. */
export interface AgentInfo {
  id: string;
  address: string;
  version: string;
  facts: AgentFacts;
  since: number;
  /** Whether its control connection is there. */
  connected: boolean;
  parked: number;
  /** What it reported last. */
  status?: Omit<StatusMessage, "type">;
  clients: ClientInfo[];
}

/** What an agent brings along. */
export interface RegisterRequest {
  address: string;
  version: string;
  facts: AgentFacts;
  /** The secret of an earlier registration. */
  resume?: string;
}

/** An agent is registered. */
export interface AgentHandle {
  id: string;
  /** Proves that a connection is this agent's. */
  secret: string;
  /** Takes what the agent reports. */
  report(status: Omit<StatusMessage, "type">): void;
  /** The control connection has closed; `goodbye` if the agent meant to end. */
  gone(goodbye: boolean): void;
}
