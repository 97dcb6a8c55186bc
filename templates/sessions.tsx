import type { VNode } from "preact";
import type { SessionAgent, SessionsQuery, SessionsView } from "../lib/protocol/sessions_api.ts";
import { COLUMNS, sessionCells, summary } from "./assets/shared/session_cells.js";
import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** What the sessions page shows. */
export interface SessionsProps {
  site: Site;
  query: SessionsQuery;
  view: SessionsView;
  /** No administrator password is set: IDs are shortened and addresses left out. */
  open: boolean;
}

/** The query string for `query`, without defaults. */
function search(query: Partial<SessionsQuery>): string {
  const form = new URLSearchParams();
  if (query.search) form.set("search", query.search);
  if (query.sort) form.set("sort", query.sort);
  if (query.descending) form.set("descending", "1");
  if (query.page && query.page > 1) form.set("page", String(query.page));
  return `?${form}`;
}

/** A heading that sorts. Phones show no headings and use the form's fields. */
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
      lead="The agents that are connected to this server, and their clients."
    >
      {open && (
        <p class="note">
          Anyone can see this page, so IDs are shortened and addresses left out. Set an
          administrator password on the server to see them.
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
          As of {new Date(view.now).toISOString().slice(11, 19)} UTC. Reload to update.
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
          data-client={open ? undefined : `${site.ws}/client/`}
          data-username={site.username}
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
        {query.search === "" ? "No agent is connected." : "No agent matches."}{" "}
        <a href={query.search === "" ? `${site.base}/usage` : `${site.base}/sessions`}>
          {query.search === "" ? "How to start one" : "Show all agents"}
        </a>
      </p>
      <Pages query={query} view={view} />
    </Layout>,
  );
}
