import assert from "node:assert/strict";
import type { AgentInfo } from "../../../lib/server/rendezvous/types.ts";
import { summary } from "../../../templates/assets/shared/session_cells.js";
import { SessionsFeed } from "../../../lib/server/pages/sessions_feed.ts";
import type { SessionsView } from "../../../lib/protocol/sessions_api.ts";

function agentInfo(id: string): AgentInfo {
  const facts = { host: "builder", user: "ci", os: "linux", shell: "/bin/sh" };
  return {
    ...{ id, address: "192.0.2.1", version: "1", facts },
    ...{ since: 1, connected: true, parked: 2, clients: [] },
  };
}

const request = (query = "") => new Request(`http://ci.example/api/sessions/events${query}`);

/** Reads the states that a stream of events carries. */
async function* states(response: Response): AsyncGenerator<SessionsView, undefined> {
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith("data: ")) yield JSON.parse(event.slice(6));
    }
  }
  return undefined;
}

Deno.test("SessionsFeed sends the full state first and then each change once", async () => {
  let agents = [agentInfo("a1")];
  let snapshots = 0;
  let thirdSnapshot = () => {};
  const snapshot = () => {
    if (++snapshots === 3) thirdSnapshot();
    return agents;
  };
  using feed = new SessionsFeed({ snapshot, open: false, intervalMs: 5 });
  const response = feed.answer(request(), true);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = states(response);
  const next = async () => (await events.next()).value!.agents.map(({ id }) => id);
  assert.deepEqual(await next(), ["a1"]);
  agents = [...agents, agentInfo("a2")];
  assert.deepEqual((await next()).toSorted(), ["a1", "a2"]);
  const later = next();
  snapshots = 0;
  await new Promise<void>((resolve) => thirdSnapshot = resolve);
  agents = [];
  assert.deepEqual(await later, [], "nothing is sent as long as nothing changes");
  await events.return(undefined);
});

/** The ID of the only agent in the next event. */
async function nextId(events: AsyncGenerator<SessionsView, undefined>): Promise<string> {
  return (await events.next()).value!.agents[0]!.id;
}

Deno.test("SessionsFeed tells who has just come nothing more in the same interval", async () => {
  let snapshots = 0;
  const late = Promise.withResolvers<Response>();
  const snapshot = () => {
    const agents = [agentInfo(`a${++snapshots}`)];
    // Comes while the others are being told.
    if (snapshots === 2) late.resolve(feed.answer(request(), true));
    return agents;
  };
  using feed = new SessionsFeed({ snapshot, open: false, intervalMs: 5 });
  const first = states(feed.answer(request(), true));
  const second = states(await late.promise);
  assert.deepEqual([await nextId(second), await nextId(second)], ["a3", "a4"]);
  await first.return(undefined);
  await second.return(undefined);
});

Deno.test("SessionsFeed tells its listeners in turn when there is no time for all of them", async () => {
  let snapshots = 0;
  let now = 0;
  const options = { open: false, intervalMs: 5, now: () => now += 1_000 };
  const snapshot = () => [agentInfo(`a${++snapshots}`)];
  using feed = new SessionsFeed({ snapshot, ...options });
  const all = [1, 2, 3].map(() => states(feed.answer(request(), true)));
  const ids = await Promise.all(all.map(async (events) => {
    await events.next();
    return [await nextId(events), await nextId(events)].map((id) => Number(id.slice(1)));
  }));
  for (const events of all) await events.return(undefined);
  // Each had events of its own, and never one more than another.
  assert.equal(new Set(ids.flat()).size, 6);
  assert.ok(Math.max(...ids.map(([id]) => id!)) < Math.min(...ids.map(([, id]) => id!)), `${ids}`);
});

Deno.test("SessionsFeed keeps nothing for a slow reader: the next event is the newest", async () => {
  let agents = [agentInfo("a1")];
  let ticks = 0;
  let fifth = () => {};
  const snapshot = () => {
    agents = [agentInfo(`a${++ticks}`)];
    if (ticks === 5) fifth();
    return agents;
  };
  using feed = new SessionsFeed({ snapshot, open: false, intervalMs: 5 });
  const response = feed.answer(request(), true);
  await new Promise<void>((resolve) => fifth = resolve);
  const events = states(response);
  assert.equal(await nextId(events), "a1");
  assert.ok(Number((await nextId(events)).slice(1)) >= 5);
  await events.return(undefined);
});

Deno.test("SessionsFeed gives who comes back the state as it is then", async () => {
  let agents = [agentInfo("a1")];
  using feed = new SessionsFeed({ snapshot: () => agents, open: false, intervalMs: 5 });
  const first = states(feed.answer(request(), true));
  await first.next();
  await first.return(undefined);
  agents = [agentInfo("a2")];
  const second = states(feed.answer(request(), true));
  assert.equal((await second.next()).value!.agents[0]!.id, "a2");
  await second.return(undefined);
});

Deno.test("SessionsFeed obeys the query, keeps IDs short, and answers once without events", async () => {
  const agents = Array.from({ length: 30 }, (_, i) => agentInfo(`job-${100 + i}`));
  using feed = new SessionsFeed({ snapshot: () => agents, open: true });
  const view = await feed.answer(request("?search=job&limit=10&page=2"), false).json();
  assert.deepEqual([view.total, view.page, view.agents.length], [30, 2, 10]);
  assert.equal(view.agents[0].id, "job…");
  assert.equal((await feed.answer(request("?search=job-1"), false).json()).matching, 0);
});

Deno.test("SessionsFeed has a limit of listeners, and ends them with the server", async () => {
  const feed = new SessionsFeed({ snapshot: () => [], open: true, maxListeners: 1 });
  const first = feed.answer(request(), true);
  const refused = feed.answer(request(), true);
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  feed[Symbol.dispose]();
  const all = await Array.fromAsync(states(first));
  assert.equal(all.length, 1);
});

Deno.test("servers of a cluster that do not answer are told of", () => {
  let silent = 1;
  const options = { snapshot: () => [agentInfo("a1")], silentServers: () => silent, open: false };
  using feed = new SessionsFeed(options);
  const query = { search: "", sort: "id", descending: false, page: 1, limit: 10 } as const;
  const told = "1 agent, 0 clients; 1 server does not answer: its agents are missing";
  assert.equal(summary(feed.view(query)), told);
  silent = 2;
  assert.match(summary(feed.view(query)), /2 servers do not answer: their agents are missing$/);
  silent = 0;
  assert.equal(summary(feed.view(query)), "1 agent, 0 clients");
});
