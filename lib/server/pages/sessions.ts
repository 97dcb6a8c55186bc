import type { ClientStatus } from "../../protocol/messages.ts";
import type { SessionAgent, SessionClient } from "../../protocol/sessions_api.ts";
import type { AgentInfo, ClientInfo } from "../rendezvous/types.ts";

/** How much of what an agent tells of itself is shown, in UTF-16 code units. */
const MAX_TEXT = 100;

/** What an agent tells is not trusted, not even its type. */
function text(value: unknown): string {
  if (typeof value !== "string") return "";
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
}

function time(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** What the agent reports of its clients. */
function reported(agent: AgentInfo): Partial<ClientStatus>[] {
  const clients: unknown = agent.status?.clients;
  return Array.isArray(clients) ? clients.map((client) => Object(client)) : [];
}

/** The kinds of session that the agent reports for a client. */
function sessionKinds({ sessions }: Partial<ClientStatus>): string[] {
  return Array.isArray(sessions) ? sessions.slice(0, 20).map(text) : [];
}

/**
 * An agent as operators see it.
 *
 * @param open whether anyone may see it: without addresses then, and with only the first characters
 * of the ID, which may be all that one needs to reach the agent
 */
export function sessionAgent(agent: AgentInfo, open: boolean): SessionAgent {
  const address = (value: string) => open ? undefined : value;
  const all = reported(agent);
  const away = all.filter((client) => time(client.away) !== undefined);
  const here = all.filter((client) => !away.includes(client));
  const client = ({ key, address: from, since, toAgent, toClient }: ClientInfo): SessionClient => {
    const report = here.find((client) => client.key === key) ?? {};
    return {
      since: time(report.since) ?? since,
      ...{ toAgent, toClient },
      address: address(from),
      sessions: sessionKinds(report),
    };
  };
  const lost = (report: Partial<ClientStatus>): SessionClient => ({
    since: time(report.since) ?? time(report.away)!,
    away: time(report.away),
    ...{ toAgent: 0, toClient: 0 },
    address: address(text(report.address)),
    sessions: sessionKinds(report),
  });
  return {
    id: open ? `${agent.id.slice(0, Math.min(4, Math.ceil(agent.id.length / 3)))}…` : agent.id,
    host: text(agent.facts.host),
    user: text(agent.facts.user),
    os: text(agent.facts.os),
    shell: text(agent.facts.shell),
    version: text(agent.version),
    since: agent.since,
    connected: agent.connected,
    activity: time(agent.status?.activity),
    deadline: time(agent.status?.deadline),
    address: address(agent.address),
    clients: [...agent.clients.toSorted((a, b) => a.key - b.key).map(client), ...away.map(lost)]
      .toSorted((a, b) => a.since - b.since),
  };
}
