/** What `/api/sessions` is asked and what it answers, see docs/protocol.md. */

/** What agents are sorted by. */
export type SessionColumn =
  | "id"
  | "host"
  | "user"
  | "os"
  | "shell"
  | "version"
  | "since"
  | "activity"
  | "deadline"
  | "clients";

/**
 * A client that is connected to an agent, or that has lost its connection and may come back. All
 * times are milliseconds since the epoch.
 */
export interface SessionClient {
  since: number;
  /** When it lost its connection, if it did. */
  away?: number;
  /** Bytes copied so far on its connection. */
  toAgent: number;
  toClient: number;
  /** The kinds of session that the agent reports, for instance `["shell", "sftp"]`. */
  sessions: string[];
  /** Only for those who gave the administrator's password. */
  address?: string;
}

/** An agent. */
export interface SessionAgent {
  /** Only its first characters unless the administrator's password was given. */
  id: string;
  host: string;
  user: string;
  os: string;
  shell: string;
  version: string;
  since: number;
  /** Whether its control connection is there; without, it is expected back. */
  connected: boolean;
  /** The last input of any client. */
  activity?: number;
  /** When it will end. */
  deadline?: number;
  address?: string;
  clients: SessionClient[];
}

/** Which agents are wanted, and in which order. */
export interface SessionsQuery {
  /** Text that must be in an agent's ID, host, user, system, shell, version or address. */
  search: string;
  sort: SessionColumn;
  descending: boolean;
  /** From 1 on. */
  page: number;
  /** Agents a page. */
  limit: number;
}

/** The agents that a query finds, and where they stand among all. */
export interface SessionsView {
  /** When this was true. */
  now: number;
  /** All agents and all their clients. */
  total: number;
  clients: number;
  /** How many servers of a cluster do not answer: their agents are missing here. */
  silentServers?: number;
  /** How many agents the search finds. */
  matching: number;
  /** The page that this is, and how many there are. */
  page: number;
  pages: number;
  agents: SessionAgent[];
}
