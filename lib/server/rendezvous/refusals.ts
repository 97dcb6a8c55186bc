/** Why the rendez-vous refuses agents and clients, for the person at the other end. */
import type { Refusal } from "./types.ts";

export const draining: Refusal = {
  label: "draining",
  status: 503,
  reason: "the server is shutting down: try again soon",
};

export const tooManyWaiting: Refusal = {
  label: "too-many-waiting",
  status: 503,
  reason: "too many clients are waiting for agents: try again later",
};

export function tooManyAgents(max: number): Refusal {
  const reason = `the server already has ${max} agents: try again later`;
  return { label: "too-many-agents", status: 503, reason };
}

export function tooManyParked(id: string, max: number): Refusal {
  const reason = `the agent "${id}" already has ${max} parked connections`;
  return { label: "too-many-parked", status: 503, reason };
}

export function wrongSecret(id: string): Refusal {
  const reason = `no agent "${id}" with this secret is registered: register first`;
  return { label: "wrong-secret", status: 403, reason };
}

export function unknownId(id: string): Refusal {
  const reason = `no agent "${id}" is registered here: ` +
    "check the ID and that the job is running, or add ?wait=5m to the URL to wait for it";
  return { label: "unknown-id", status: 404, reason };
}

/** Of a cluster whose directory cannot be asked. */
export function directoryAway(id: string): Refusal {
  const reason = `the servers cannot tell at the moment where the agent "${id}" is: ` +
    "try again soon, or add ?wait=1m to the URL";
  return { label: "directory-away", status: 503, reason };
}

/** Of a cluster whose nodes do not reach each other. */
export function nodeAway(id: string): Refusal {
  const reason = `the server with the agent "${id}" cannot be reached from this one: ` +
    "try again soon, or add ?wait=1m to the URL";
  return { label: "node-away", status: 503, reason };
}

export function agentAway(id: string): Refusal {
  const reason = `the agent "${id}" has lost its connection and may be back soon: ` +
    "try again, or add ?wait=1m to the URL";
  return { label: "agent-away", status: 503, reason };
}

export function tooManyFromAddress(id: string, max: number): Refusal {
  const reason = `the agent "${id}" already has ${max} clients from this address: ` +
    "close one, or try again later";
  return { label: "too-many-clients", status: 503, reason };
}

export function tooManyClients(id: string, max: number): Refusal {
  const reason = `the agent "${id}" already has ${max} clients: close one, or try again later`;
  return { label: "too-many-clients", status: 503, reason };
}
