import { COLUMNS } from "../../../templates/assets/shared/session_cells.js";
import type { SessionAgent, SessionsQuery, SessionsView } from "../../protocol/sessions_api.ts";

/** Agents on one page of the table. */
export const PAGE_SIZE = 50;
/** Agents in one answer, at the most. */
const MAX_LIMIT = 100_000;

/** A whole number from 1 on, or `fallback`. */
function count(text: string | null, fallback: number): number {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : fallback;
}

/**
 * Reads which agents are wanted from `?search=&sort=&descending=1&page=&limit=`; invalid
 * values are ignored.
 *
 * @param limit how many agents if it does not say
 */
export function parseSessionsQuery(form: URLSearchParams, limit: number): SessionsQuery {
  const sort = COLUMNS.map(([column]) => column).find((column) => column === form.get("sort"));
  return {
    search: (form.get("search") ?? "").trim().slice(0, 200),
    sort: sort ?? "since",
    // By default the newest first.
    descending: sort === undefined || form.get("descending") === "1",
    page: count(form.get("page"), 1),
    limit: Math.min(count(form.get("limit"), limit), MAX_LIMIT),
  };
}

/** What a column is sorted by. */
function sortKey(agent: SessionAgent, column: SessionsQuery["sort"]): string | number {
  const value = column === "clients" ? agent.clients.length : agent[column];
  return typeof value === "string" ? value.toLowerCase() : value ?? 0;
}

/** Finds and sorts agents, and takes one page of them; the last page if there are fewer. */
export function viewSessions(
  agents: SessionAgent[],
  query: SessionsQuery,
  now: number,
): SessionsView {
  const wanted = query.search.toLowerCase();
  const found = agents.filter(({ id, host, user, os, shell, version, address = "", clients }) =>
    [id, host, user, os, shell, version, address, ...clients.map((client) => client.address ?? "")]
      .some((text) => text.toLowerCase().includes(wanted))
  ).map((agent) => ({ agent, key: sortKey(agent, query.sort) }));
  const order = query.descending ? -1 : 1;
  found.sort((a, b) =>
    (a.key < b.key ? -order : a.key > b.key ? order : 0) || (a.agent.id < b.agent.id ? -1 : 1)
  );
  const pages = Math.max(1, Math.ceil(found.length / query.limit));
  const page = Math.min(query.page, pages);
  return {
    now,
    total: agents.length,
    clients: agents.reduce((sum, { clients }) => sum + clients.length, 0),
    matching: found.length,
    page,
    pages,
    agents: found.slice((page - 1) * query.limit, page * query.limit).map(({ agent }) => agent),
  };
}
