/** The server's end of the connections at `/agent/ID`, see docs/protocol.md. */
import {
  type AgentFacts,
  type AgentHello,
  type AgentMessage,
  CloseCode,
  type ControlMessage,
  MAX_MESSAGE_LENGTH,
  type ParkMessage,
  parseMessage,
  type PasswordVerifier,
  PROTOCOL_VERSION,
  ProtocolError,
  type RegisterMessage,
  type StatusMessage,
  versionMismatch,
} from "../../protocol/messages.ts";
import { sameSecret } from "../../wire/same_secret.ts";
import { VERSION } from "../../dist/version.ts";
import type { AddressLimits } from "../limits/address_limits.ts";
import type { ClientConnection } from "./client_connection.ts";
import { CLOSING, type PeerData, type PeerSocket } from "./peer_socket.ts";
import { DataConnection } from "./data_connection.ts";
import { PARKED, type Rendezvous } from "../rendezvous/rendezvous.ts";
import type {
  AgentHandle,
  Control,
  Refusal,
  RefusalLabel,
  RegisterRequest,
} from "../rendezvous/types.ts";

/** What the server tells agents and requires of them. */
export interface AgentPolicy {
  username: string;
  password?: PasswordVerifier;
  /** The token that an agent needs to register. */
  agentToken?: string;
}

export interface AgentServices {
  policy: AgentPolicy;
  rendezvous: Rendezvous<DataConnection, ClientConnection>;
  limits: AddressLimits;
  /** How long to wait for the first message, in milliseconds. */
  helloMs: number;
  /** Called for each agent that is refused after the upgrade. */
  onRefused(refusal: Refusal): void;
  /** What a cluster does in other ways. @default none */
  registry?: Registry;
}

/** How agents are registered where other nodes have a say. */
export interface Registry {
  register(id: string, request: RegisterRequest, control: Control): Promise<AgentHandle | Refusal>;
  /**
   * Brings an agent's data connection to the node where it is registered.
   *
   * @param hello its first message
   */
  carry(socket: PeerSocket, id: string, hello: string): Promise<Refusal | undefined>;
}

function sendMessage(socket: PeerSocket, message: ControlMessage): void {
  socket.send(JSON.stringify(message));
}

function refusal(label: RefusalLabel, reason: string): Refusal {
  return { label, reason, status: 403 };
}

/** Whether the agent should try again by itself. */
function mayRetry({ label }: Refusal): boolean {
  return label.startsWith("too-many-") ||
    ["draining", "directory-away", "locked-out", "wrong-secret"].includes(label);
}

/** The version in a first message; the rest may follow the rules of another version. */
function helloVersion(data: PeerData): number | undefined {
  if (typeof data !== "string" || data.length > MAX_MESSAGE_LENGTH) return undefined;
  try {
    const { protocol } = JSON.parse(data);
    return typeof protocol === "number" ? protocol : undefined;
  } catch {
    return undefined;
  }
}

/** Serves a connection at `/agent/ID`; its first message says which kind it is. */
export function serveAgent(socket: PeerSocket, id: string, context: AgentServices): void {
  const refuse = (why: Refusal) => {
    context.onRefused(why);
    socket.handTo(CLOSING);
    sendMessage(socket, { type: "refused", reason: why.reason, retry: mayRetry(why) });
    socket.close(CloseCode.policyViolation, why.reason);
  };
  const waiting = context.limits.awaitHello(socket.address);
  if (typeof waiting !== "function") return refuse(waiting);
  const timeout = setTimeout(() => {
    waiting();
    refuse(refusal("timeout", "no first message in time"));
  }, context.helloMs);
  const stopWaiting = () => {
    clearTimeout(timeout);
    waiting();
  };
  socket.handTo({
    closed: stopWaiting,
    message: (data) => {
      stopWaiting();
      const why = hear(socket, id, data, context);
      if (why instanceof Promise) void why.then((why) => why && refuse(why));
      else if (why) refuse(why);
    },
  });
}

/** Gives the connection the role that its first message asks for. @returns why not */
function hear(
  socket: PeerSocket,
  id: string,
  data: PeerData,
  context: AgentServices,
): Refusal | undefined | Promise<Refusal | undefined> {
  try {
    const mismatch = versionMismatch(helloVersion(data) ?? PROTOCOL_VERSION, PROTOCOL_VERSION);
    if (mismatch) return refusal("wrong-version", mismatch);
    const hello = parseMessage<AgentHello>(data, "register", "park");
    return hello.type === "register"
      ? register(socket, id, hello, context)
      : park(socket, id, hello, context, data as string);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return refusal("bad-message", error.message);
  }
}

function register(
  socket: PeerSocket,
  id: string,
  hello: RegisterMessage,
  { policy, rendezvous, limits, registry }: AgentServices,
): Refusal | undefined | Promise<Refusal | undefined> {
  const limit = limits.register(socket.address);
  if (limit) return limit;
  if (policy.agentToken !== undefined && !sameSecret(hello.token ?? "", policy.agentToken)) {
    limits.failed(socket.address);
    const which = hello.token === undefined ? "this server requires a token" : "wrong token";
    return refusal("wrong-token", `${which}: give it to the agent with --token-file`);
  }
  const control: Control = {
    close: (code, reason) => socket.close(code, reason),
    drain: () => sendMessage(socket, { type: "draining" }),
  };
  const request: RegisterRequest = {
    address: socket.address,
    version: short(hello.version),
    facts: cleanFacts(hello.facts),
    resume: hello.resume,
  };
  if (registry === undefined) {
    return welcome(socket, policy, rendezvous.register(id, request, control));
  }
  let closed: number | undefined;
  socket.handTo({
    closed: (code) => closed = code,
    message: () => socket.close(CloseCode.policyViolation, "unexpected message before the answer"),
  });
  return registry.register(id, request, control).then((registration) => {
    if (closed === undefined) return welcome(socket, policy, registration);
    if (!("label" in registration)) registration.gone(isGoodbye(closed));
  });
}

function isGoodbye(code: number): boolean {
  return code === CloseCode.normal || code === CloseCode.goingAway;
}

/** Tells an agent what it is registered as, and takes its reports. @returns why it is not */
function welcome(
  socket: PeerSocket,
  policy: AgentPolicy,
  registration: AgentHandle | Refusal,
): Refusal | undefined {
  if ("label" in registration) return registration;
  socket.handTo({
    closed: (code) => registration.gone(isGoodbye(code)),
    message: (data) => {
      try {
        registration.report(cleanStatus(parseMessage<AgentMessage>(data, "status")));
      } catch (error) {
        socket.close(CloseCode.policyViolation, (error as Error).message);
      }
    },
  });
  sendMessage(socket, {
    type: "registered",
    protocol: PROTOCOL_VERSION,
    version: VERSION,
    id: registration.id,
    resume: registration.secret,
    username: policy.username,
    password: policy.password,
    parked: PARKED,
  });
}

function park(
  socket: PeerSocket,
  id: string,
  hello: ParkMessage,
  { rendezvous, registry }: AgentServices,
  text: string,
): Refusal | undefined | Promise<Refusal | undefined> {
  if (registry && !rendezvous.has(id)) {
    socket.handTo(CLOSING);
    return registry.carry(socket, id, text);
  }
  const data = new DataConnection(socket, hello, (data) => rendezvous.unpark(id, data));
  socket.handTo(data);
  return rendezvous.park(id, hello.resume, data);
}

/** Text from the network, cut to a length that fits pages and logs. */
function short(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 100) : "";
}

function cleanFacts(facts: AgentFacts): AgentFacts {
  const { host, user, os, shell } = facts;
  return { host: short(host), user: short(user), os: short(os), shell: short(shell) };
}

function cleanStatus({ deadline, activity, clients }: StatusMessage): Omit<StatusMessage, "type"> {
  const list = (value: unknown): unknown[] => Array.isArray(value) ? value.slice(0, 100) : [];
  return {
    deadline,
    activity,
    clients: list(clients).map((client) => {
      const { key, sessions, since, away, address } = Object(client) as Record<string, unknown>;
      return {
        key: Number(key),
        sessions: list(sessions).map(short),
        ...typeof since === "number" ? { since } : {},
        ...typeof away === "number" ? { away, address: short(address) } : {},
      };
    }),
  };
}
