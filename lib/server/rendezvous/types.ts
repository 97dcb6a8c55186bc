/** What the rendez-vous takes and tells: connections, refusals, events. Pure types. */
import type { AgentFacts, StatusMessage } from "../../protocol/messages.ts";

/** Any connection; closing it twice does no harm. */
export interface Closable {
  close(code: number, reason: string): void;
}

/** An agent's control connection. */
export interface Control extends Closable {
  /** Tells the agent that the server is shutting down. */
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

/** The copying between the two connections of a pair. */
export interface Link extends Closable {
  /** Bytes copied from the client to the agent so far. */
  readonly toAgent: number;
  /** Bytes copied from the agent to the client so far. */
  readonly toClient: number;
  /** Bytes taken from one side that the other has not taken yet. */
  readonly buffered: number;
  /** Whether both ends can go on with their stream on other connections. */
  readonly resumable: boolean;
  /** Tells both ends that the server is shutting down, if they can go on elsewhere. */
  drain(): void;
  /** Resolves when both connections are closed; never rejects. */
  readonly done: Promise<PairEnd>;
}

/** What is known of a pair when it is made. */
export interface Pairing {
  /** The client's number, unique while the server runs. */
  key: number;
  /** When another agent last asked for the agent's ID, if one did, Unix time in milliseconds. */
  contestedAt?: number;
}

/** Why an agent or a client was refused, for counting. */
export type RefusalLabel =
  | "unknown-id"
  | "agent-away"
  | "node-away"
  | "directory-away"
  | "too-many-agents"
  | "too-many-clients"
  | "too-many-connections"
  | "too-many-registrations"
  | "too-many-unregistered"
  | "locked-out"
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

/** Why an agent or a client is refused. */
export interface Refusal {
  label: RefusalLabel;
  /** One line for a person: why, and what to do. */
  reason: string;
  /** The HTTP status of a refusal before the upgrade. */
  status: 400 | 403 | 404 | 503;
}

/** Why a connection was dropped, for counting. */
export type DropLabel = "message-too-long" | "no-request" | "takes-nothing";

/** What happened, for logs, metrics and pages. Times are milliseconds since the epoch. */
export type ServerEvent =
  | { type: "registered"; agent: AgentInfo; asked: string; resumed: boolean }
  /** The control connection was lost; the ID stays reserved. */
  | { type: "lost"; id: string }
  | { type: "unregistered"; id: string; reason: string }
  | { type: "status"; id: string }
  | { type: "waiting"; id: string; address: string }
  | { type: "paired"; id: string; client: ClientInfo; waitedMs: number }
  | { type: "unpaired"; id: string; client: ClientInfo; end: PairEnd; durationMs: number }
  /** A connection was cut without a close frame. */
  | { type: "dropped"; peer: string; label: DropLabel; reason: string }
  | { type: "refused"; who: "agent" | "client"; id: string; address: string; refusal: Refusal };

/** A paired client. */
export interface ClientInfo {
  /** Unique while the server runs. */
  key: number;
  address: string;
  since: number;
  toAgent: number;
  toClient: number;
  buffered: number;
  /** Whether its stream can go on on another connection. */
  resumable: boolean;
}

/** How much there is of each kind. */
export interface Counts {
  /** Agents with a control connection. */
  connected: number;
  /** Agents that have lost it and still own their ID. */
  away: number;
  /** Data connections that wait for a client. */
  parked: number;
  /** Clients that wait for a data connection or an agent. */
  waiting: number;
  pairs: number;
  /** Of these, those whose ends are both resumable. */
  resumable: number;
  /** Bytes that the open pairs have copied from clients to agents. */
  toAgent: number;
  /** Bytes that the open pairs have copied from agents to clients. */
  toClient: number;
}

/** What an agent tells of itself, and what the server knows of it. */
export interface AgentInfo {
  id: string;
  address: string;
  version: string;
  facts: AgentFacts;
  since: number;
  /** Whether it has a control connection. */
  connected: boolean;
  parked: number;
  /** Its last report. */
  status?: Omit<StatusMessage, "type">;
  clients: ClientInfo[];
}

/** What an agent registers with. */
export interface RegisterRequest {
  address: string;
  version: string;
  facts: AgentFacts;
  /** The secret of an earlier registration. */
  resume?: string;
  /** What the nodes of a cluster have agreed on. @default the rules of this server alone */
  grant?: Grant;
}

/** The ID that an agent gets in a cluster. */
export interface Grant {
  id: string;
  /** Its new secret. */
  secret: string;
  /** Whether the ID was this agent's before, on whichever node. */
  resumed: boolean;
}

/** A registered agent. */
export interface AgentHandle {
  id: string;
  /** Proves that a connection is this agent's. */
  secret: string;
  /** Takes a report of the agent. */
  report(status: Omit<StatusMessage, "type">): void;
  /** The control connection has closed; `goodbye` if the agent meant it. */
  gone(goodbye: boolean): void;
}
