import assert from "node:assert/strict";
import { openStream, type RetryLater } from "../../../lib/wire/resume/initiator.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { TestLink, turns } from "../../support/test_link.ts";

const OPENED = {
  ...{ type: "opened", stream: "name", secret: "secret" },
  ...{ window: 65_536, resumeMs: 60_000 },
};

/** A client whose agent is the test. */
async function open({ resumeMs = 300_000 } = {}) {
  const clock = new FakeClock();
  const link = new TestLink();
  /** What each try to connect gives; without one it goes on waiting. */
  const tries: (TestLink | Error)[] = [];
  const asked: number[] = [];
  const events: string[] = [];
  const opening = openStream(link, {
    resumeMs,
    clock,
    random: () => 0.5,
    connect({ waitMs }) {
      asked.push(waitMs);
      const next = tries.shift() ?? new Error("connection refused");
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    onLost: () => events.push("lost"),
    onResumed: () => events.push("resumed"),
  });
  assert.deepEqual(link.texts, [{ type: "open" }]);
  await link.get(JSON.stringify(OPENED));
  const { stream } = (await opening)!;
  return { clock, link, tries, asked, events, stream };
}

function resumed(received: number, from = 0): string {
  return JSON.stringify({ type: "resumed", received, from });
}

Deno.test("a client tries again with growing pauses, and asks for what it lacks", async () => {
  const { clock, link, tries, asked, events, stream } = await open();
  await stream.write(Uint8Array.of(1, 2));
  await link.get(Uint8Array.of(3), new Error("lost"));
  for (const pause of [125, 250, 500, 1_000, 1_500, 1_500]) {
    const before = asked.length;
    clock.pass(pause - 1);
    await turns();
    assert.equal(asked.length, before);
    clock.pass(1);
    await turns();
    assert.equal(asked.length, before + 1, `after ${pause} ms`);
  }
  const next = new TestLink();
  tries.push(next);
  clock.pass(1_500);
  await turns();
  const request = { type: "resume", stream: "name", secret: "secret", attempt: 1, received: 1 };
  assert.deepEqual(next.texts, [request]);
  await next.get(resumed(1, 1), Uint8Array.of(4));
  assert.deepEqual([...next.sent[1] as Uint8Array], [2]);
  assert.deepEqual(events, ["lost", "resumed"]);
  stream.close();
  assert.equal(clock.timers, 0);
});

Deno.test("a client waits as long as a server asks it to", async () => {
  const { clock, link, tries, asked, stream } = await open();
  const later: RetryLater = Object.assign(new Error("busy"), { retryAfterMs: 20_000 });
  tries.push(later);
  await link.get(new Error("lost"));
  clock.pass(20_000);
  await turns();
  assert.equal(asked.length, 1);
  clock.pass(125);
  await turns();
  assert.equal(asked.length, 2);
  stream.close();
});

Deno.test("a client gives up after the shorter of both times, with both reasons", async () => {
  const { clock, link, stream } = await open();
  await link.get(new Error("the cable was cut"));
  clock.pass(59_999);
  assert.ok(!stream.ended);
  clock.pass(1);
  const error = await stream.closed;
  assert.match(
    String(error),
    /the cable was cut; could not reconnect within 1m: connection refused/,
  );
  await turns();
  assert.equal(clock.timers, 0);
});

Deno.test("a client that was refused for now tries again, one that was refused ends", async () => {
  const { clock, link, tries, asked, stream } = await open();
  const [busy, final] = [new TestLink(), new TestLink()];
  tries.push(busy, final);
  await link.get(new Error("lost"));
  await busy.get(JSON.stringify({ type: "refused", reason: "busy", retry: true }));
  assert.equal(busy.closed, 1000);
  clock.pass(3_000);
  await turns();
  assert.equal(asked.length, 2);
  assert.match(JSON.stringify(final.texts), /"attempt":2/);
  await final.get(JSON.stringify({ type: "refused", reason: "gone", retry: false }));
  assert.match(String(await stream.closed), /the agent refused the connection: gone/);
});

Deno.test("a client that is replaced by another one ends, and does not come back", async () => {
  const { link, asked, stream } = await open();
  await link.get('{"type":"replaced"}');
  assert.match(String(await stream.closed), /another client goes on with this session/);
  assert.deepEqual(asked, []);
});

for (
  const [name, answer] of [
    ["has got more than was sent", resumed(3)],
    ["begins behind what has come", JSON.stringify({ type: "resumed", received: 0, from: 9 })],
    ["answers with something else", JSON.stringify(OPENED)],
    ["answers with bytes", Uint8Array.of(1)],
  ] as const
) {
  Deno.test(`a client ends when the agent ${name}`, async () => {
    const { link, tries, stream } = await open();
    await stream.write(Uint8Array.of(1, 2));
    const next = new TestLink();
    tries.push(next);
    await link.get(new Error("lost"));
    await next.get(answer);
    assert.match(String(await stream.closed), /the agent broke the protocol/);
    assert.ok(next.closed !== undefined);
  });
}

Deno.test("a client moves when the server drains, and uses the old connection meanwhile", async () => {
  const { link, tries, stream, events } = await open();
  const next = new TestLink();
  tries.push(next);
  await link.get('{"type":"draining"}');
  assert.equal(next.texts.length, 1);
  await stream.write(Uint8Array.of(1));
  assert.equal(link.length, 1);
  assert.equal(link.closed, undefined);
  await next.get(resumed(1), Uint8Array.of(7));
  assert.equal(link.closed, 1000);
  assert.deepEqual([...(await stream.read())!], [7]);
  assert.deepEqual(events, []);
  stream.close();
});

Deno.test("an agent that knows no streams leaves the connection as it is", async () => {
  const link = new TestLink();
  const opening = openStream(link, { resumeMs: 1, connect: () => Promise.reject(new Error()) });
  await link.get("plain");
  assert.equal(await opening, undefined);
  assert.equal(link.closed, undefined);
});
