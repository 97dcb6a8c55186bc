/**
 * What agents, clients and the server say to each other: messages, close codes and the version.
 * Pure; docs/protocol.md says the same in prose.
 *
 * @module
 */

import { parseShaped, type Shapes } from "./shapes.ts";

export { ProtocolError } from "./shapes.ts";

/**
 * The version of the agent's side of the protocol. Clients have none: they speak plain websocket.
 * It grows by one with each change that an older peer cannot follow.
 */
export const PROTOCOL_VERSION = 1;

/**
 * The websocket subprotocol (RFC 6455, section 1.9) under which a connection can end one direction
 * and keep the other: a text frame {@link EOF_FRAME} says that its sender has no more bytes.
 * A peer that does not offer it, or does not pick it, ends both directions with a close frame.
 */
export const HALF_CLOSE_SUBPROTOCOL = "half-close.converge";

/** The text frame that ends its sender's direction, see {@link HALF_CLOSE_SUBPROTOCOL}. */
export const EOF_FRAME = "eof";

/**
 * The subprotocol of clients whose stream of bytes outlives a connection. Under it client and agent
 * put text frames between the bytes, which the server passes on, if the agent is
 * {@link ParkMessage.resumable}; if not, the client gets {@link PLAIN_FRAME} and the connection is as
 * under {@link HALF_CLOSE_SUBPROTOCOL}.
 */
export const RESUME_SUBPROTOCOL = "resume.converge";

/** The text frame by which the server says that the agent knows no {@link RESUME_SUBPROTOCOL}. */
export const PLAIN_FRAME = "plain";

/** The longest text frame between a client and an agent, in UTF-16 code units. */
export const MAX_PAIR_MESSAGE_LENGTH = 4_096;

/** How long either side waits for the first message of an agent's connection, in milliseconds. */
export const HELLO_TIMEOUT_MS = 10_000;

/** The largest control message either side accepts, in UTF-16 code units. */
export const MAX_MESSAGE_LENGTH = 65_536;

/** About what a queued message costs besides its bytes, so that many tiny ones count too. */
export const MESSAGE_COST = 1024;

/** Close codes (RFC 6455, section 7.4; 4000 to 4999 are for private use). */
export const CloseCode = {
  /** This connection's bytes are all sent: end of file. */
  normal: 1000,
  /** The program is ending: end of file. */
  goingAway: 1001,
  /** A frame of a kind that has no place here. */
  unsupportedData: 1003,
  /** A message that breaks the protocol; the reason says how. */
  policyViolation: 1008,
  /** The other end of the pair was lost without a close frame. */
  peerLost: 4000,
  /** The receiver fell further behind than the server buffers. */
  receiverTooSlow: 4001,
  /** `?wait=` ran out before the agent came. */
  waitExpired: 4002,
  /** The same agent has connected again, or another one has a better right to the ID. */
  replaced: 4003,
} as const;

/** A salted scrypt verifier (RFC 7914) of the server's password; `salt` and `hash` are base64. */
export interface PasswordVerifier {
  salt: string;
  hash: string;
  /** CPU and memory cost. */
  N: number;
  /** Block size. */
  r: number;
  /** Parallelization. */
  p: number;
}

/** What an agent tells of itself; shown to operators, never relied upon. */
export interface AgentFacts {
  host: string;
  user: string;
  os: string;
  shell: string;
}

/** An agent's first message on its control connection. */
export interface RegisterMessage {
  type: "register";
  protocol: number;
  /** The program's version. */
  version: string;
  /** What `--agent-token-file` of the server asks for. */
  token?: string;
  /** The secret of an earlier registration, to get the same ID again. */
  resume?: string;
  facts: AgentFacts;
}

/** An agent's first and only message on a data connection, which then waits for a client. */
export interface ParkMessage {
  type: "park";
  protocol: number;
  /** The secret of the registration that the connection belongs to. */
  resume: string;
  /** Whether the agent understands {@link FlowMessage}. */
  flow?: boolean;
  /** Whether the agent can go on with a stream on another connection. */
  resumable?: boolean;
}

/** The server's answer to {@link RegisterMessage}. */
export interface RegisteredMessage {
  type: "registered";
  protocol: number;
  version: string;
  /** The ID that clients ask for; not the one asked for if that was taken. */
  id: string;
  /** Proves on later connections that they are the same agent's. */
  resume: string;
  /** The only name that may log in. */
  username: string;
  /** Missing when the server has no password. */
  password?: PasswordVerifier;
  /** How many data connections to keep parked. */
  parked: number;
}

/** The server turns the connection down; it closes it right after. */
export interface RefusedMessage {
  type: "refused";
  reason: string;
  /** Whether it makes sense to try again later. */
  retry: boolean;
}

/**
 * The server is ending; the agent should connect again, its pairs live on for a while. Both ends of
 * a resumable pair get it too: the client should go on with its stream on a new connection.
 */
export interface DrainingMessage {
  type: "draining";
}

/** On a data connection: a client is at the other end, all that follows is its bytes. */
export interface PairedMessage {
  type: "paired";
  client: {
    /** The client's number, which is the server's own; for {@link ClientStatus}. */
    key: number;
    /** The address the client came from, as far as the server knows. */
    address: string;
  };
  /** When another agent last asked for this agent's ID, if one did, Unix time in milliseconds. */
  contestedAt?: number;
  /** Whether the server sends {@link FlowMessage}; it does if the agent asked for it. */
  flow?: boolean;
  /** Whether both ends are resumable: text frames are passed on. */
  resumable?: boolean;
}

/** On a paired data connection, from the server, among the client's bytes. */
export interface FlowMessage {
  type: "flow";
  /**
   * How much of what the agent sent has left the server towards the client, since the pairing, in
   * bytes, each message counted {@link MESSAGE_COST} longer than it is.
   */
  taken: number;
}

/** One client of an agent, as the agent tells it to operators. */
export interface ClientStatus {
  /** From {@link PairedMessage}. */
  key: number;
  /** The kinds of session that are open, for instance `["shell", "sftp"]`. */
  sessions: string[];
  /** When it came, if it has been on another connection before, Unix time in milliseconds. */
  since?: number;
  /** When it lost its connection, if it has none and may come back; the key is the last one's. */
  away?: number;
  /** Where it came from, if it is away. */
  address?: string;
}

/** What an agent reports while it runs; shown to operators, never relied upon. */
export interface StatusMessage {
  type: "status";
  /** Unix time in milliseconds at which the agent will end. */
  deadline?: number;
  /** Unix time in milliseconds of the last input. */
  activity?: number;
  clients: ClientStatus[];
}

/** What an agent may say first. */
export type AgentHello = RegisterMessage | ParkMessage;
/** What an agent may say on its control connection once it is registered. */
export type AgentMessage = StatusMessage;
/** What the server may say on a control connection. */
export type ControlMessage = RegisteredMessage | RefusedMessage | DrainingMessage;
/** What the server may say on a data connection before the bytes. */
export type DataMessage = PairedMessage | RefusedMessage;

/** The fields of each message, checked before anyone relies on its type. */
const SHAPES: Shapes = {
  register: {
    protocol: "number",
    version: "string",
    token: "string?",
    resume: "string?",
    facts: "object",
  },
  park: { protocol: "number", resume: "string", flow: "boolean?", resumable: "boolean?" },
  registered: {
    protocol: "number",
    version: "string",
    id: "string",
    resume: "string",
    username: "string",
    parked: "number",
  },
  refused: { reason: "string", retry: "boolean" },
  draining: {},
  paired: {
    client: "object",
    contestedAt: "number?",
    flow: "boolean?",
    resumable: "boolean?",
  },
  flow: { taken: "number" },
  status: { deadline: "number?", activity: "number?", clients: "object" },
};

/**
 * Reads one message.
 *
 * @param expected the types that may come at this point
 * @throws {ProtocolError} if it is not one of them, with a message for the peer
 */
export function parseMessage<M extends { type: string }>(
  data: unknown,
  ...expected: M["type"][]
): M {
  return parseShaped<M>(data, { shapes: SHAPES, expected, maxLength: MAX_MESSAGE_LENGTH });
}

/**
 * Compares the two sides' protocol versions.
 *
 * @returns undefined if they match, else a sentence that says which side to update
 */
export function versionMismatch(agent: number, server: number): string | undefined {
  if (agent === server) return undefined;
  const remedy = agent < server
    ? "download the agent again from this server"
    : "update the server, or use the agent that it serves";
  return `the agent speaks protocol ${agent} and the server protocol ${server}: ${remedy}`;
}
