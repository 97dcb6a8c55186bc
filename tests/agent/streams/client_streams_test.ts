/** Who may go on with a stream, and what it costs to try without the right to. */
import assert from "node:assert/strict";
import { ClientStreams } from "../../../lib/agent/streams/client_streams.ts";
import { createLog } from "../../../lib/log/log.ts";
import { Admission } from "../../../lib/ssh/login/admission.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { TestLink, turns } from "../../support/test_link.ts";

const RESUME_MS = 300_000;

type Opened = Record<"stream" | "secret", string>;

/** An agent's streams, with clients that are the test's own. */
class Agent implements Disposable {
  readonly clock = new FakeClock();
  readonly #lines: Record<string, unknown>[] = [];
  readonly #stop = new AbortController();
  readonly events: string[] = [];
  readonly streams: ClientStreams;
  #clients = 0;

  constructor(helloMs?: number) {
    const { now } = this.clock;
    const log = createLog({ format: "json", write: (line) => this.#lines.push(JSON.parse(line)) });
    this.streams = new ClientStreams({
      resumeMs: RESUME_MS,
      log,
      admission: new Admission({ log, now }),
      onLost: ({ key }) => this.events.push(`${key} lost`),
      onResumed: ({ key }, now) => this.events.push(`${key} back as ${now.key}`),
      clock: this.clock,
      helloMs,
    });
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.streams[Symbol.dispose]();
  }

  /** A connection of a client. */
  connect(
    serve: (stream: ByteStream, onLogin: () => void) => void = (_, onLogin) => onLogin(),
    address = "192.0.2.1",
  ): { link: TestLink; done: Promise<void> } {
    const link = new TestLink();
    const client = { key: ++this.#clients, address };
    const done = this.streams.accept(link, client, async (stream, onLogin) => {
      serve(stream, onLogin);
      await stream.closed;
    }, this.#stop.signal);
    return { link, done };
  }

  /** A client that is logged in. */
  async open(serve?: (stream: ByteStream, onLogin: () => void) => void) {
    const { link, done } = this.connect(serve);
    await link.get('{"type":"open"}');
    return { link, done, opened: link.texts[0] as Opened };
  }

  /** Asks to go on with a stream. */
  async resume(
    fields: Partial<Opened> & { attempt?: number; received?: number },
    address?: string,
  ): Promise<TestLink> {
    const { link } = this.connect(undefined, address);
    await link.get(JSON.stringify({ attempt: 1, received: 0, ...fields, type: "resume" }));
    return link;
  }

  logged(event: string): Record<string, unknown>[] {
    return this.#lines.filter((line) => line.event === event);
  }
}

Deno.test("a client goes on with its stream on another connection", async () => {
  using agent = new Agent();
  let stream!: ByteStream;
  const { link, opened } = await agent.open((opened, onLogin) => {
    stream = opened;
    onLogin();
  });
  await link.get(Uint8Array.of(1, 2, 3), new Error("lost"));
  await stream.write(Uint8Array.of(9));
  const next = await agent.resume(opened);
  assert.deepEqual(next.texts, [{ type: "resumed", received: 3, from: 0 }]);
  assert.deepEqual([...next.sent[1] as Uint8Array], [9]);
  assert.deepEqual(agent.events, ["1 lost", "1 back as 2"]);
  assert.equal(agent.logged("client away").length, 1);
  assert.equal(agent.logged("client is back").length, 1);
  stream.close();
});

Deno.test("a request that waited in a server goes on behind what was acknowledged meanwhile", async () => {
  using agent = new Agent();
  let stream!: ByteStream;
  const { link, opened } = await agent.open((opened, onLogin) => {
    stream = opened;
    onLogin();
  });
  await stream.write(Uint8Array.of(1, 2, 3, 4, 5));
  await link.get(JSON.stringify({ type: "ack", received: 3 }));
  const next = await agent.resume({ ...opened, received: 2 });
  assert.deepEqual(next.texts, [{ type: "resumed", received: 0, from: 3 }]);
  assert.deepEqual([...next.sent[1] as Uint8Array], [4, 5]);
  stream.close();
});

Deno.test("the newest connection is the stream's, and the one before is told", async () => {
  using agent = new Agent();
  const { link, opened } = await agent.open();
  const next = await agent.resume(opened);
  assert.deepEqual(link.texts.at(-1), { type: "replaced" });
  assert.equal(link.closed, 1000);
  await link.get(Uint8Array.of(1));
  const last = await agent.resume({ ...opened, attempt: 2 });
  assert.deepEqual(last.texts, [{ type: "resumed", received: 0, from: 0 }]);
  assert.equal(next.closed, 1000);
  assert.deepEqual(agent.events, ["1 back as 2", "1 back as 3"]);
});

Deno.test("a server that drains does not keep a client from coming", async () => {
  using agent = new Agent();
  const { link } = agent.connect();
  await link.get('{"type":"draining"}', '{"type":"open"}', '{"type":"draining"}');
  assert.equal((link.texts[0] as { type: string }).type, "opened");
  assert.equal(link.closed, undefined);
});

Deno.test("a client that does not come back in time finds its stream gone", async () => {
  using agent = new Agent();
  let stream!: ByteStream;
  const { link, opened, done } = await agent.open((opened, onLogin) => {
    stream = opened;
    onLogin();
  });
  await stream.write(new Uint8Array(1_000_000));
  await link.get(new Error("lost"));
  agent.clock.pass(RESUME_MS - 1);
  assert.ok(agent.streams.held > 1_000_000);
  agent.clock.pass(1);
  assert.match(String(await stream.closed), /lost; the client was away for 5m/);
  await done;
  assert.equal(agent.streams.held, 0);
  const late = await agent.resume(opened);
  assert.match(JSON.stringify(late.texts), /"refused".*no such session here any more.*false/);
});

Deno.test("a client that has not logged in is not waited for", async () => {
  using agent = new Agent();
  const { link, opened, done } = await agent.open(() => {});
  await link.get(new Error("lost"));
  await done;
  const late = await agent.resume(opened);
  await late.closing;
  assert.match(JSON.stringify(late.texts), /no such session/);
  assert.deepEqual(agent.events, []);
});

Deno.test("a client that takes no end is left in time, a stranger soon", async () => {
  for (const [logsIn, ms] of [[true, RESUME_MS], [false, 5_000]] as const) {
    using agent = new Agent();
    const link = new TestLink();
    const client = { key: 1, address: "192.0.2.1" };
    const serve = async (stream: ByteStream, onLogin: () => void) => {
      if (logsIn) onLogin();
      await stream.read();
      stream.end().catch(() => {});
      stream.close();
    };
    const done = agent.streams.accept(link, client, serve, new AbortController().signal);
    await link.get('{"type":"open"}', "eof");
    await done;
    assert.equal(link.sent.at(-1), "eof");
    agent.clock.pass(ms - 1);
    assert.equal(link.closed, undefined);
    agent.clock.pass(1);
    assert.equal(link.closed, 1000);
  }
});

for (
  const [name, fields, reason] of [
    ["a guess at the secret", { secret: "x".repeat(22) }, /wrong secret/],
    ["an empty secret", { secret: "" }, /wrong secret/],
    ["an unknown stream", { stream: "x".repeat(22) }, /no such session/],
    ["more bytes than were sent", { received: 11 }, /wrong count of bytes/],
    ["a try of before", { attempt: 0 }, /made before/],
  ] as const
) {
  Deno.test(`${name} is refused, logged and charged, and harms no stream`, async () => {
    using agent = new Agent();
    let stream!: ByteStream;
    const { link, opened } = await agent.open((opened, onLogin) => {
      stream = opened;
      onLogin();
    });
    await stream.write(new Uint8Array(10));
    await link.get('{"type":"ack","received":5}', new Error("lost"));
    const wrong = await agent.resume({ ...opened, received: 5, ...fields });
    await wrong.closing;
    assert.match(JSON.stringify(wrong.texts), reason);
    assert.match(JSON.stringify(wrong.texts), /"retry":false/);
    assert.equal(agent.logged("resumption refused").length, 1);
    const right = await agent.resume({ ...opened, received: 5 });
    assert.deepEqual(right.texts, [{ type: "resumed", received: 0, from: 5 }]);
    stream.close();
  });
}

Deno.test("what a client has sent cannot be sent again", async () => {
  using agent = new Agent();
  const { opened } = await agent.open();
  const request = { ...opened, attempt: 7 };
  const first = await agent.resume(request);
  const replay = await agent.resume(request, "198.51.100.7");
  await replay.closing;
  assert.match(JSON.stringify(replay.texts), /made before/);
  assert.equal(first.closed, undefined);
});

Deno.test("guesses lock an address out, and fill no log", async () => {
  using agent = new Agent();
  const { opened } = await agent.open();
  const guess = (at: number) =>
    agent.resume({ ...opened, attempt: at + 1, secret: `${at}` }, "198.51.100.7");
  // They wait for their answers, later ones longer; the test ends them.
  for (let at = 0; at < 100; at++) await guess(at);
  const link = await guess(100);
  assert.match(JSON.stringify(link.texts), /"refused".*too many failed logins.*"retry":true/);
  assert.equal(agent.logged("resumption refused").length, 1);
  assert.equal(agent.logged("address locked out").length, 1);
  const own = await agent.resume(opened);
  assert.deepEqual(own.texts, [{ type: "resumed", received: 0, from: 0 }]);
});

Deno.test("who comes back too late is not charged for it", async () => {
  using agent = new Agent();
  const { link, opened } = await agent.open();
  await link.get(new Error("lost"));
  agent.clock.pass(RESUME_MS);
  for (let attempt = 1; attempt < 200; attempt++) {
    const late = await agent.resume({ ...opened, attempt });
    assert.match(JSON.stringify(late.texts), /no such session/);
  }
  assert.equal(agent.logged("address locked out").length, 0);
});

Deno.test("connections that say nothing are bounded, and cost others nothing", async () => {
  using agent = new Agent();
  const { opened } = await agent.open();
  const silent = Array.from(
    { length: 10_000 },
    () => agent.connect(undefined, "198.51.100.7").link,
  );
  await turns();
  const open = silent.filter(({ closed }) => closed === undefined).length;
  assert.ok(open <= 200, `${open} wait`);
  assert.equal(agent.streams.held, 0);
  const own = await agent.resume(opened);
  assert.deepEqual(own.texts, [{ type: "resumed", received: 0, from: 0 }]);
  assert.equal(agent.logged("connection refused").length, 1);
});

Deno.test("a connection that says nothing is closed in time", async () => {
  using agent = new Agent(1);
  const { link, done } = agent.connect();
  await done;
  assert.match(JSON.stringify(link.texts), /no first frame in time/);
});

for (const first of ["hello", '{"type":"ack","received":0}', Uint8Array.of(1)]) {
  Deno.test(`a first frame ${first} is refused`, async () => {
    using agent = new Agent();
    const { link, done } = agent.connect();
    await link.get(first);
    await done;
    assert.equal(link.closed, 1008);
    assert.match(JSON.stringify(link.texts), /"refused"/);
  });
}
