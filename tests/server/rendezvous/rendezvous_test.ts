import assert from "node:assert/strict";
import { QUEUE_MS, Rendezvous } from "../../../lib/server/rendezvous/rendezvous.ts";
import { ResumeSecrets } from "../../../lib/server/rendezvous/resume_secrets.ts";
import { GRACE_MS } from "../../../lib/server/rendezvous/agents.ts";
import type {
  AgentHandle,
  Closable,
  Link,
  PairEnd,
  Refusal,
  ServerEvent,
} from "../../../lib/server/rendezvous/types.ts";
import { CloseCode } from "../../../lib/protocol/messages.ts";

/** A connection that only remembers what was done to it. */
class FakeConnection implements Closable {
  readonly address = "192.0.2.1";
  closedWith?: [code: number, reason: string];
  draining = false;

  close(code: number, reason: string): void {
    this.closedWith ??= [code, reason];
  }

  drain(): void {
    this.draining = true;
  }
}

class FakeLink implements Link {
  toAgent = 0;
  toClient = 0;
  buffered = 0;
  readonly resumable = true;
  draining = false;
  readonly ended = Promise.withResolvers<PairEnd>();
  readonly done = this.ended.promise;

  constructor(
    readonly data: FakeConnection,
    readonly client: FakeConnection,
    readonly contestedAt?: number,
  ) {}

  drain(): void {
    this.draining = true;
  }

  close(_code: number, reason: string): void {
    this.ended.resolve({ label: "shutdown", reason });
  }
}

/** A rendez-vous of fake connections with a clock that a test moves. */
class World {
  now: number;
  readonly events: ServerEvent[] = [];
  readonly links: FakeLink[] = [];
  readonly rendezvous: Rendezvous<FakeConnection, FakeConnection>;

  constructor(
    { now = 1_000_000, ...limits }: {
      maxAgents?: number;
      maxClientsPerAgent?: number;
      maxClientsPerAddress?: number;
      secrets?: ResumeSecrets;
      now?: number;
    } = {},
  ) {
    this.now = now;
    let made = 0;
    this.rendezvous = new Rendezvous<FakeConnection, FakeConnection>({
      maxAgents: 100,
      maxClientsPerAgent: 32,
      maxClientsPerAddress: 32,
      ...limits,
      link: (data, client, { contestedAt }) => {
        const link = new FakeLink(data, client, contestedAt);
        this.links.push(link);
        return link;
      },
      observe: (event) => this.events.push(event),
      now: () => this.now,
      makeId: () => `made-up-${++made}`,
    });
  }

  /** Registers an agent that must not be refused. */
  register(id: string, resume?: string, control = new FakeConnection()): AgentHandle {
    const result = this.tryRegister(id, resume, control);
    if ("label" in result) assert.fail(result.reason);
    return result;
  }

  tryRegister(id: string, resume?: string, control = new FakeConnection()) {
    const facts = { host: "h", user: "u", os: "linux", shell: "sh" };
    return this.rendezvous.register(
      id,
      { address: "192.0.2.2", version: "1", facts, resume },
      control,
    );
  }

  park(id: string, secret: string): FakeConnection {
    const data = new FakeConnection();
    assert.equal(this.rendezvous.park(id, secret, data), undefined);
    return data;
  }

  /** A client that must not be refused. */
  join(id: string, waitMs = 0): FakeConnection {
    assert.equal(this.rendezvous.admitClient(id, waitMs > 0, "192.0.2.1"), undefined);
    const client = new FakeConnection();
    this.rendezvous.join(id, client, waitMs);
    return client;
  }

  pass(ms: number): void {
    this.now += ms;
    this.rendezvous.sweep();
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

function label(result: Refusal | undefined): string | undefined {
  return result?.label;
}

Deno.test("a client gets a parked data connection at once", () => {
  const world = new World();
  const { secret } = world.register("job");
  const data = world.park("job", secret);
  const client = world.join("job");
  assert.equal(world.links.length, 1);
  assert.equal(world.links[0]!.data, data);
  assert.equal(world.links[0]!.client, client);
  assert.deepEqual(world.types(), ["registered", "paired"]);
});

Deno.test("counts() has what there is, pairs of agents that have ended too", () => {
  const world = new World();
  const control = new FakeConnection();
  const { secret, gone } = world.register("job", undefined, control);
  world.register("away").gone(false);
  world.park("job", secret);
  world.join("job");
  world.park("job", secret);
  world.join("later", 60_000);
  Object.assign(world.links[0]!, { toAgent: 3, toClient: 40 });
  const bytes = { toAgent: 3, toClient: 40, resumable: 1 };
  const counts = { connected: 1, away: 1, parked: 1, waiting: 1, pairs: 1, ...bytes };
  assert.deepEqual(world.rendezvous.counts(), counts);
  gone(true);
  assert.deepEqual(world.rendezvous.counts(), { ...counts, connected: 0, parked: 0 });
});

Deno.test("clients queue in order until the agent parks another connection", () => {
  const world = new World();
  const { secret } = world.register("job");
  const clients = [world.join("job"), world.join("job"), world.join("job")];
  assert.equal(world.links.length, 0);
  world.now += 250;
  for (let i = 0; i < 3; i++) world.park("job", secret);
  assert.deepEqual(world.links.map((link) => link.client), clients);
  const paired = world.events.find((event) => event.type === "paired");
  assert.ok(paired?.type === "paired" && paired.waitedMs === 250);
});

Deno.test("a parked connection that closed is not given to anybody", () => {
  const world = new World();
  const { secret } = world.register("job");
  world.rendezvous.unpark("job", world.park("job", secret));
  const good = world.park("job", secret);
  world.join("job");
  assert.equal(world.links[0]!.data, good);
});

Deno.test("a client that left while it queued is not paired", () => {
  const world = new World();
  const { secret } = world.register("job");
  const gone = world.join("job");
  const stays = world.join("job");
  world.rendezvous.leave("job", gone);
  world.park("job", secret);
  assert.deepEqual(world.links.map(({ client }) => client), [stays]);
});

Deno.test("a client that queues for an agent which does not park is closed in the end", () => {
  const world = new World();
  world.register("job");
  const client = world.join("job");
  world.pass(QUEUE_MS - 1);
  assert.equal(client.closedWith, undefined);
  world.pass(1);
  assert.equal(client.closedWith?.[0], CloseCode.peerLost);
});

Deno.test("an unknown ID is refused with a reason and what to do", () => {
  const refusal = new World().rendezvous.admitClient("job", false, "192.0.2.1");
  assert.equal(refusal?.status, 404);
  assert.match(refusal.reason, /no agent "job".*check the ID.*\?wait=5m/);
});

Deno.test("a patient client is paired when the agent comes", () => {
  const world = new World();
  const client = world.join("job", 60_000);
  world.pass(59_000);
  const { secret } = world.register("job");
  world.park("job", secret);
  assert.equal(world.links[0]!.client, client);
  world.pass(10_000);
  assert.equal(client.closedWith, undefined);
});

Deno.test("a patient client is told when its time is over", () => {
  const world = new World();
  const client = world.join("job", 60_000);
  world.pass(60_000);
  assert.deepEqual(client.closedWith, [
    CloseCode.waitExpired,
    "the agent did not connect in time",
  ]);
  assert.equal(world.rendezvous.admitClient("job", true, "192.0.2.1"), undefined);
});

Deno.test("an ID in use by another agent is replaced by a made-up one", () => {
  const world = new World();
  const first = world.register("job");
  world.pass(GRACE_MS);
  assert.equal(world.register("job").id, "made-up-1");
  assert.equal(world.register("job", "A".repeat(43)).id, "made-up-2");
  const { secret } = world.register("made-up-3");
  assert.equal(world.register("job").id, "made-up-4");
  assert.equal(world.rendezvous.park("job", first.secret, new FakeConnection()), undefined);
  assert.equal(
    label(world.rendezvous.park("job", secret, new FakeConnection())),
    "wrong-secret",
  );
});

Deno.test("the secret gets the ID back and replaces the former control connection", () => {
  const world = new World();
  const control = new FakeConnection();
  const first = world.register("job", undefined, control);
  const stale = world.park("job", first.secret);
  const second = world.register("job", first.secret);
  assert.equal(second.id, "job");
  assert.notEqual(second.secret, first.secret);
  assert.equal(control.closedWith?.[0], CloseCode.replaced);
  assert.equal(stale.closedWith?.[0], CloseCode.replaced);
  first.gone(false);
  assert.equal(world.rendezvous.snapshot()[0]!.connected, true);
});

Deno.test("after a start of the server an agent from before gets its ID back from a newcomer", () => {
  const secrets = new ResumeSecrets();
  const before = new World({ secrets });
  const { secret: mine } = before.register("job");
  const { secret: others } = before.register("other");
  const world = new World({ secrets, now: before.now + 2_000 });
  const control = new FakeConnection();
  const newcomer = world.register("job", undefined, control);
  const parked = world.park("job", newcomer.secret);
  for (const stolen of ["A".repeat(43), others, new ResumeSecrets().issue("job", 0), ""]) {
    assert.notEqual(world.register("job", stolen).id, "job");
  }
  assert.equal(world.register("job", mine).id, "job");
  assert.equal(control.closedWith?.[0], CloseCode.replaced);
  assert.ok(parked.closedWith);
  newcomer.gone(false);
  assert.notEqual(world.register("job", newcomer.secret).id, "job");
});

Deno.test("a minute after the start nobody gets an ID back from another agent", () => {
  const secrets = new ResumeSecrets();
  const before = new World({ secrets });
  const { secret } = before.register("job");
  const world = new World({ secrets, now: before.now + 2_000 });
  world.pass(GRACE_MS);
  world.register("job");
  assert.notEqual(world.register("job", secret).id, "job");
});

Deno.test("an agent that missed the answer comes back with the secret that it showed before", () => {
  const world = new World();
  const first = world.register("job");
  const missed = world.register("job", first.secret);
  const second = world.register("job", first.secret);
  assert.equal(second.id, "job");
  assert.equal(world.register("job", missed.secret).id, "made-up-1");
  assert.equal(world.register("job", second.secret).id, "job");
});

Deno.test("a pair is told when another agent last asked for the ID", () => {
  const world = new World();
  const { secret } = world.register("job");
  for (let i = 0; i < 2; i++) world.park("job", secret);
  world.join("job");
  world.pass(5_000);
  world.register("job");
  world.join("job");
  assert.deepEqual(world.links.map((link) => link.contestedAt), [undefined, 1_005_000]);
});

Deno.test("a lost agent keeps its ID and its pairs for the grace time", async () => {
  const world = new World();
  const registration = world.register("job");
  world.park("job", registration.secret);
  world.join("job");
  registration.gone(false);
  assert.equal(world.register("job").id, "made-up-1");
  const refusal = world.rendezvous.admitClient("job", false, "192.0.2.1");
  assert.equal(refusal?.status, 503);
  assert.equal(refusal.label, "agent-away");
  world.pass(GRACE_MS - 1);
  assert.equal(world.register("job", registration.secret).id, "job");
  world.pass(GRACE_MS);
  assert.equal(world.rendezvous.admitClient("job", false, "192.0.2.1"), undefined);
  assert.equal(world.rendezvous.snapshot()[0]!.clients.length, 1);
  world.links[0]!.ended.resolve({ label: "closed", reason: "" });
  await world.links[0]!.done;
  assert.equal(world.rendezvous.snapshot()[0]!.clients.length, 0);
});

Deno.test("a lost agent is forgotten after the grace time, its pairs live on", () => {
  const world = new World();
  const registration = world.register("job");
  world.park("job", registration.secret);
  world.join("job");
  const parked = world.park("job", registration.secret);
  registration.gone(false);
  world.pass(GRACE_MS);
  assert.deepEqual(world.types(), ["registered", "paired", "lost", "unregistered"]);
  assert.equal(parked.closedWith?.[0], CloseCode.normal);
  assert.equal(label(world.rendezvous.admitClient("job", false, "192.0.2.1")), "unknown-id");
  assert.equal(world.register("job").id, "job");
});

Deno.test("a patient client waits through the agent's absence", () => {
  const world = new World();
  const registration = world.register("job");
  registration.gone(false);
  const client = world.join("job", 3_600_000);
  world.pass(GRACE_MS);
  assert.equal(client.closedWith, undefined);
  const { secret } = world.register("job", registration.secret);
  world.park("job", secret);
  assert.equal(world.links[0]!.client, client);
});

Deno.test("an agent that says goodbye frees its ID, and those who queue are told", () => {
  const world = new World();
  const registration = world.register("job");
  const client = world.join("job");
  registration.gone(true);
  assert.deepEqual(client.closedWith, [CloseCode.peerLost, "the agent ended"]);
  assert.equal(world.register("job").id, "job");
});

Deno.test("a secret from before the server's restart is good until the next one is used", () => {
  const before = new World().register("job");
  const world = new World();
  const after = world.register("job", before.secret);
  assert.equal(after.id, "job");
  assert.equal(world.register("job").id, "made-up-1");
  assert.equal(world.register("job", before.secret).id, "job");
});

Deno.test("an agent away cannot park", () => {
  const world = new World();
  const registration = world.register("job");
  registration.gone(false);
  const refusal = world.rendezvous.park("job", registration.secret, new FakeConnection());
  assert.equal(label(refusal), "wrong-secret");
});

Deno.test("an agent cannot park without end", () => {
  const world = new World();
  const { secret } = world.register("job");
  for (let i = 0; i < 8; i++) world.park("job", secret);
  const refusal = world.rendezvous.park("job", secret, new FakeConnection());
  assert.equal(label(refusal), "too-many-parked");
});

Deno.test("there are limits to agents and to clients of one agent", () => {
  const world = new World({ maxAgents: 1, maxClientsPerAgent: 2 });
  const { secret } = world.register("job");
  assert.equal(label(world.rendezvous.admitAgent("other")), "too-many-agents");
  assert.equal(world.rendezvous.admitAgent("job"), undefined);
  const taken = world.tryRegister("job");
  assert.ok("label" in taken && taken.label === "too-many-agents");
  world.register("job", secret);
  world.park("job", secret);
  world.join("job");
  world.join("job");
  assert.equal(label(world.rendezvous.admitClient("job", false, "192.0.2.1")), "too-many-clients");
  assert.equal(label(world.rendezvous.admitClient("job", true, "192.0.2.1")), "too-many-clients");
});

Deno.test("only so many clients wait, and they keep out nobody who need not wait", () => {
  const world = new World();
  for (let i = 0; i < 1_000; i++) world.join(`job-${i}`, 60_000);
  assert.equal(label(world.rendezvous.admitClient("job", true, "192.0.2.1")), "too-many-waiting");
  const { secret } = world.register("ready");
  assert.equal(
    label(world.rendezvous.admitClient("ready", false, "192.0.2.1")),
    "too-many-waiting",
  );
  world.park("ready", secret);
  assert.equal(world.rendezvous.admitClient("ready", false, "192.0.2.1"), undefined);
  world.pass(60_000);
  assert.equal(world.rendezvous.admitClient("job", true, "192.0.2.1"), undefined);
});

Deno.test("draining: nobody new, agents are told, open pairs are waited for", async () => {
  const world = new World();
  const control = new FakeConnection();
  const { secret } = world.register("job", undefined, control);
  world.park("job", secret);
  world.join("job");
  const queued = world.join("job");
  let drained = false;
  const { moved, rest } = world.rendezvous.drain();
  const draining = moved.then(() => drained = true);
  await rest;
  assert.ok(control.draining);
  assert.ok(world.links[0]!.draining);
  assert.equal(queued.closedWith?.[0], CloseCode.goingAway);
  assert.equal(label(world.rendezvous.admitClient("job", false, "192.0.2.1")), "draining");
  assert.equal(label(world.rendezvous.admitAgent("job")), "draining");
  assert.equal(label(world.rendezvous.park("job", secret, new FakeConnection())), "draining");
  await Promise.resolve();
  assert.ok(!drained);
  world.rendezvous.closePairs(CloseCode.goingAway, "the server is shutting down");
  await draining;
  assert.ok(drained);
});

Deno.test("events tell how a pair ended and how long it lasted", async () => {
  const world = new World();
  const { secret } = world.register("job");
  world.park("job", secret);
  world.join("job");
  const link = world.links[0]!;
  link.toAgent = 10;
  link.toClient = 20;
  world.now += 5_000;
  link.ended.resolve({ label: "too-slow", reason: "why" });
  await link.done;
  const event = world.events.at(-1)!;
  assert.ok(event.type === "unpaired");
  assert.equal(event.durationMs, 5_000);
  assert.equal(event.end.label, "too-slow");
  assert.deepEqual([event.client.toAgent, event.client.toClient], [10, 20]);
});

Deno.test("the snapshot shows what agents report", () => {
  const world = new World();
  const registration = world.register("job");
  world.park("job", registration.secret);
  registration.report({ deadline: 5, clients: [{ key: 1, sessions: ["shell"] }] });
  assert.deepEqual(world.rendezvous.snapshot(), [{
    id: "job",
    address: "192.0.2.2",
    version: "1",
    facts: { host: "h", user: "u", os: "linux", shell: "sh" },
    since: 1_000_000,
    connected: true,
    parked: 1,
    status: { deadline: 5, clients: [{ key: 1, sessions: ["shell"] }] },
    clients: [],
  }]);
});

Deno.test("one address gets only a part of an agent's clients, one IPv6 network too", () => {
  const world = new World({ maxClientsPerAgent: 4, maxClientsPerAddress: 2 });
  const { rendezvous } = world;
  world.register("job");
  const joinFrom = (address: string) => {
    const refusal = rendezvous.admitClient("job", true, address);
    if (refusal) return refusal.reason;
    rendezvous.join("job", Object.assign(new FakeConnection(), { address }), 1_000);
  };
  const full =
    'the agent "job" already has 2 clients from this address: close one, or try again later';
  assert.equal(joinFrom("2001:db8::1"), undefined);
  assert.equal(joinFrom("2001:db8::ffff:2"), undefined);
  assert.equal(joinFrom("2001:db8::3"), full);
  assert.equal(joinFrom("192.0.2.1"), undefined);
  assert.equal(joinFrom("192.0.2.2"), undefined);
  assert.match(joinFrom("192.0.2.3")!, /already has 4 clients/);
});

Deno.test("the waits are those of docs/protocol.md", () => {
  assert.deepEqual([QUEUE_MS, GRACE_MS], [30_000, 60_000]);
});
