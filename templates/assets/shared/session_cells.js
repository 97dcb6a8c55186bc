// @ts-check
/** The cells of the table of sessions, for the server and for the script. @module */

import { formatBytes, formatDuration } from "./format.js";

/** @import { SessionAgent, SessionClient, SessionColumn } from "../../../lib/protocol/sessions_api.ts" */

/** The columns: key for sorting, and heading. */
export const COLUMNS = /** @type {readonly (readonly [SessionColumn, string])[]} */ ([
  ["id", "ID"],
  ["host", "Host"],
  ["user", "User"],
  ["os", "System"],
  ["since", "Since"],
  ["activity", "Last input"],
  ["deadline", "Ends"],
  ["clients", "Clients"],
]);

/**
 * A time relative to now.
 *
 * @param {number | undefined} time
 * @param {number} now
 * @returns {string}
 */
function relative(time, now) {
  if (time === undefined) return "–";
  return time <= now ? `${formatDuration(now - time)} ago` : `in ${formatDuration(time - now)}`;
}

/**
 * One client on one line.
 *
 * @param {SessionClient} client
 * @param {number} now
 * @returns {string}
 */
function clientLine({ since, away, toAgent, toClient, sessions, address }, now) {
  return [
    sessions.join(", ") || "connected",
    ...(address === undefined ? [] : [`from ${address}`]),
    `for ${formatDuration(now - since)}`,
    ...(away === undefined
      ? [`${formatBytes(toAgent)} in`, `${formatBytes(toClient)} out`]
      : [`away for ${formatDuration(now - away)}`]),
    // Lines break only between the parts.
  ].map((part) => part.replaceAll(" ", "\u00a0")).join("\u00a0· ");
}

/**
 * The cells of an agent's row, each one or more lines.
 *
 * @param {SessionAgent} agent
 * @param {number} now milliseconds since the epoch, as all times here
 * @returns {string[][]} in the order of {@link COLUMNS}
 */
export function sessionCells(agent, now) {
  const lines = (/** @type {string | undefined} */ text) => [text || "–"];
  return [
    agent.connected ? [agent.id] : [agent.id, "not connected"],
    agent.address === undefined ? lines(agent.host) : [...lines(agent.host), agent.address],
    lines(agent.user),
    [...lines(agent.os), [agent.shell, `agent ${agent.version}`].filter(Boolean).join(" · ")],
    [relative(agent.since, now)],
    [relative(agent.activity, now)],
    [relative(agent.deadline, now)],
    agent.clients.length === 0 ? ["none"] : agent.clients.map((client) => clientLine(client, now)),
  ];
}

/**
 * The counts, as a sentence.
 *
 * @param {{ total: number, matching: number, clients: number, silentServers?: number }} view
 * @returns {string}
 */
export function summary({ total, matching, clients, silentServers = 0 }) {
  const agents = total === 1 ? "1 agent" : `${total} agents`;
  const inUse = clients === 1 ? "1 client" : `${clients} clients`;
  const found = matching < total ? `; ${matching} found` : "";
  const silent = silentServers === 1
    ? "; 1 server does not answer: its agents are missing"
    : `; ${silentServers} servers do not answer: their agents are missing`;
  return `${agents}, ${inUse}${found}${silentServers > 0 ? silent : ""}`;
}
