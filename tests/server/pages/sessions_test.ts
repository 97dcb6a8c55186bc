import assert from "node:assert/strict";
import type { AgentInfo } from "../../../lib/server/rendezvous/types.ts";
import { sessionCells } from "../../../templates/assets/shared/session_cells.js";
import { sessionAgent } from "../../../lib/server/pages/sessions.ts";
import { parseSessionsQuery, viewSessions } from "../../../lib/server/pages/sessions_query.ts";

function agentInfo(id: string, more: Partial<AgentInfo> = {}): AgentInfo {
  return {
    id,
    address: "192.0.2.1",
    version: "1.2.3",
    facts: { host: "builder", user: "ci", os: "linux", shell: "/bin/sh" },
    since: 1000,
    connected: true,
    parked: 2,
    clients: [],
    ...more,
  };
}

function client(key: number) {
  const counts = { toAgent: 1, toClient: 2, buffered: 0 };
  return { key, address: "192.0.2.9", since: key, ...counts, resumable: false };
}

function query(text: string) {
  return parseSessionsQuery(new URLSearchParams(text), 50);
}

Deno.test("sessionAgent() shows no address and little of the ID to everybody", () => {
  const agent = agentInfo("secret-job-42", { clients: [client(1)] });
  const open = JSON.stringify(sessionAgent(agent, true));
  assert.doesNotMatch(open, /192\.0\.2|secret-job/);
  assert.equal(sessionAgent(agent, true).id, "secr…");
  assert.equal(sessionAgent(agentInfo("abc"), true).id, "a…");
  const full = sessionAgent(agent, false);
  assert.deepEqual([full.id, full.address, full.clients[0]!.address], [
    "secret-job-42",
    "192.0.2.1",
    "192.0.2.9",
  ]);
});

Deno.test("sessionAgent() pairs the reported sessions with the clients", () => {
  const status = {
    clients: [{ key: 2, sessions: ["sftp", "exec"] }, { key: 1, sessions: ["shell"] }],
  };
  const agent = agentInfo("a", { status, clients: [client(2), client(1)] });
  assert.deepEqual(
    sessionAgent(agent, false).clients.map(({ since, sessions }) => [since, sessions]),
    [
      [1, ["shell"]],
      [2, ["sftp", "exec"]],
    ],
  );
  const late = agentInfo("a", { status, clients: [client(3)] });
  assert.deepEqual(sessionAgent(late, false).clients[0]!.sessions, []);
});

Deno.test("sessionAgent() shows clients that are away, and one that is back where it was", () => {
  const lost = { key: 1, sessions: ["shell"], since: 1, away: 50, address: "192.0.2.7" };
  const back = { key: 3, sessions: ["sftp"], since: 2 };
  const status = { clients: [back, lost] };
  // The server's numbers start again with it: another client has that of the lost one now.
  const agent = agentInfo("a", { status, clients: [client(1), client(3)] });
  assert.deepEqual(sessionAgent(agent, false).clients, [
    { since: 1, toAgent: 1, toClient: 2, address: "192.0.2.9", sessions: [] },
    { since: 1, away: 50, toAgent: 0, toClient: 0, address: "192.0.2.7", sessions: ["shell"] },
    { since: 2, toAgent: 1, toClient: 2, address: "192.0.2.9", sessions: ["sftp"] },
  ]);
  assert.doesNotMatch(JSON.stringify(sessionAgent(agent, true)), /192\.0\.2/);
  assert.match(sessionCells(sessionAgent(agent, false), 3_050).at(-1)![1]!, /away\sfor\s3s/);
  assert.equal(viewSessions([sessionAgent(agent, false)], query(""), 5).clients, 3);
});

Deno.test("sessionAgent() survives whatever an agent reports", () => {
  const agent = agentInfo("a", {
    facts: { host: 7, user: null, os: "x".repeat(5000) } as unknown as AgentInfo["facts"],
    status: { deadline: "soon", activity: NaN, clients: [null] } as unknown as AgentInfo["status"],
    clients: [client(1)],
  });
  const shown = sessionAgent(agent, false);
  assert.deepEqual([shown.host, shown.user, shown.shell], ["", "", ""]);
  assert.equal(shown.os.length, 100);
  assert.deepEqual([shown.deadline, shown.activity], [undefined, undefined]);
  assert.deepEqual(shown.clients[0]!.sessions, []);
});

Deno.test("parseSessionsQuery() takes nonsense as left out", () => {
  const usual = { search: "", sort: "since", descending: true, page: 1, limit: 50 };
  assert.deepEqual(query(""), usual);
  assert.deepEqual(query("sort=%3Cb%3E&page=-1&limit=1e9&search=%20"), usual);
  assert.deepEqual(query("sort=host&descending=1&page=3&limit=10&search=x"), {
    search: "x",
    sort: "host",
    descending: true,
    page: 3,
    limit: 10,
  });
});

Deno.test("viewSessions() finds, sorts and pages 2,000 agents", () => {
  const agents = Array.from({ length: 2000 }, (_, i) =>
    sessionAgent(
      agentInfo(`job-${String(i).padStart(4, "0")}`, {
        since: i,
        facts: { host: i % 2 ? "Odd" : "even", user: "ci", os: "linux", shell: "sh" },
        clients: i === 7 ? [client(1)] : [],
      }),
      false,
    ));
  const first = viewSessions(agents, query(""), 5);
  assert.deepEqual([first.total, first.clients, first.matching, first.pages, first.now], [
    2000,
    1,
    2000,
    40,
    5,
  ]);
  assert.deepEqual([first.agents.length, first.agents[0]!.id], [50, "job-1999"]);
  const odd = viewSessions(agents, query("search=ODD&sort=id&page=2"), 5);
  assert.deepEqual([odd.matching, odd.page, odd.agents[0]!.id], [1000, 2, "job-0101"]);
  assert.equal(
    viewSessions(agents, query("sort=clients&descending=1"), 5).agents[0]!.id,
    "job-0007",
  );
  const beyond = viewSessions(agents, query("page=99"), 5);
  assert.deepEqual([beyond.page, beyond.agents.length], [40, 50]);
  const none = viewSessions(agents, query("search=nothing"), 5);
  assert.deepEqual([none.matching, none.page, none.pages, none.agents], [0, 1, 1, []]);
});

Deno.test("sessionAgent() shows twenty sessions of a client at the most", () => {
  const clients = [{ key: 1, sessions: Array(21).fill("shell") }];
  const agent = agentInfo("job", { clients: [client(1)], status: { clients } });
  assert.equal(sessionAgent(agent, false).clients[0]!.sessions.length, 20);
});
