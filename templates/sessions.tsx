import type { VNode } from "preact";
import { type Column, COLUMNS, sessionCells, summary } from "./assets/shared/session_cells.js";
import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** A client that is connected to an agent. All times are milliseconds since the epoch. */
export interface SessionClient {
  since: number;
  /** Bytes copied so far. */
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
  sort: Column;
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
  /** How many agents the search finds. */
  matching: number;
  /** The page that this is, and how many there are. */
  page: number;
  pages: number;
  agents: SessionAgent[];
}

/** What the sessions page shows. */
export interface SessionsProps {
  site: Site;
  query: SessionsQuery;
  view: SessionsView;
  /** Whether IDs are cut short and addresses left out, for want of an administrator's password. */
  open: boolean;
}

/** The query string that asks for `query`; what is usual is left out. */
function search(query: Partial<SessionsQuery>): string {
  const form = new URLSearchParams();
  if (query.search) form.set("search", query.search);
  if (query.sort) form.set("sort", query.sort);
  if (query.descending) form.set("descending", "1");
  if (query.page && query.page > 1) form.set("page", String(query.page));
  return `?${form}`;
}

/** On a desktop the headings sort; the form's fields for it are for phones, which show no headings. */
function Heading({ query, column: [key, name] }: {
  query: SessionsQuery;
  column: typeof COLUMNS[number];
}): VNode {
  const sorted = query.sort === key;
  const descending = sorted && !query.descending;
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={sorted ? query.descending ? "descending" : "ascending" : undefined}
    >
      <a href={search({ ...query, sort: key, descending, page: 1 })}>{name}</a>
    </th>
  );
}

function Row({ agent, now }: { agent: SessionAgent; now: number }): VNode {
  return (
    <tr role="row" class={agent.connected ? undefined : "away"}>
      {sessionCells(agent, now).map((lines, index) => (
        <td role="cell" key={index} data-name={COLUMNS[index]?.[1]}>
          {lines.map((line) => <span key={line}>{line}</span>)}
        </td>
      ))}
    </tr>
  );
}

function Pages({ query, view }: { query: SessionsQuery; view: SessionsView }): VNode {
  return (
    <nav class="row" aria-label="Pages of the list" id="pages" hidden={view.pages === 1}>
      <a id="previous" href={search({ ...query, page: view.page - 1 })} hidden={view.page <= 1}>
        Previous
      </a>
      <span id="page">Page {view.page} of {view.pages}</span>
      <a
        id="next"
        href={search({ ...query, page: view.page + 1 })}
        hidden={view.page >= view.pages}
      >
        Next
      </a>
    </nav>
  );
}

/** The sessions page. */
export function sessionsPage({ site, query, view, open }: SessionsProps): string {
  const events = new URLSearchParams({
    search: query.search,
    sort: query.sort,
    ...(query.descending ? { descending: "1" } : {}),
    page: String(query.page),
    limit: String(query.limit),
  });
  return renderPage(
    <Layout
      site={site}
      title="Sessions"
      current="/sessions"
      styles={["forms", "sessions"]}
      scripts={["sessions"]}
      lead="The agents that are connected to this server, and who is with them."
    >
      {open && (
        <p class="note">
          Everybody can see this page, so IDs are cut short and addresses are left out. Give the
          server an administrator's password to see all.
        </p>
      )}
      <form method="get" action={`${site.base}/sessions`} role="search" class="row">
        <label for="search">Search</label>
        <input id="search" name="search" type="search" value={query.search} />
        <span class="row sort">
          <label for="sort">Order</label>
          <select id="sort" name="sort">
            {COLUMNS.map(([key, name]) => (
              <option key={key} value={key} selected={key === query.sort}>{name}</option>
            ))}
          </select>
          <label>
            <input type="checkbox" name="descending" value="1" checked={query.descending} />{" "}
            descending
          </label>
        </span>
        <button type="submit">Search</button>
      </form>
      <p class="row between">
        <strong id="summary">{summary(view)}</strong>
        <span class="hint" id="live" role="status">
          As of {new Date(view.now).toISOString().slice(11, 19)}{" "}
          UTC. Reload the page for the newest.
        </span>
      </p>
      <div
        class="scroll"
        id="list"
        tabIndex={0}
        role="region"
        aria-label="The list of agents"
        hidden={view.matching === 0}
      >
        <table
          role="table"
          id="sessions"
          data-events={`${site.base}/api/sessions/events?${events}`}
        >
          <thead role="rowgroup">
            <tr role="row">
              {COLUMNS.map((column) => <Heading key={column[0]} query={query} column={column} />)}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {view.agents.map((agent, index) => <Row key={index} agent={agent} now={view.now} />)}
          </tbody>
        </table>
      </div>
      <p id="nobody" class="empty" hidden={view.matching > 0}>
        {query.search === "" ? "No agent is connected." : "No agent fits the search."}{" "}
        <a href={query.search === "" ? `${site.base}/usage` : `${site.base}/sessions`}>
          {query.search === "" ? "How to start one" : "Show all agents"}
        </a>
      </p>
      <Pages query={query} view={view} />
    </Layout>,
  );
}
