import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/protocol/messages.ts";
import { StreamBudget } from "../../../lib/wire/resume/stream_budget.ts";
import { PeerEndedError, ResumableStream } from "../../../lib/wire/resume/resumable_stream.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { TestLink, turns } from "../../support/test_link.ts";

const WINDOW = 1024 * 1024;

function makeStream({ budget = new StreamBudget(Infinity), clock = new FakeClock() } = {}) {
  const lost: Error[] = [];
  const stream = new ResumableStream({
    peer: "client",
    window: WINDOW,
    budget,
    clock,
    onLost: (error) => lost.push(error),
    onEnded: () => {},
  });
  const link = new TestLink();
  stream.attach(link, { received: 0, sent: 0 });
  return { stream, link, lost, clock };
}

function ack(received: number, eof?: boolean): string {
  return JSON.stringify({ type: "ack", received, eof });
}

Deno.test("a sender waits when the window is full, until the peer has taken some", async () => {
  const { stream, link } = makeStream();
  let written = false;
  const writing = stream.write(new Uint8Array(WINDOW + 10)).then(() => written = true);
  await turns();
  assert.equal(link.length, WINDOW);
  assert.ok(!written);
  await link.get(ack(WINDOW / 16));
  await writing;
  assert.equal(link.length, WINDOW + 10);
  assert.ok(stream.held <= WINDOW + 65_536);
});

Deno.test("without a connection a sender goes on until the window is full", async () => {
  const { stream, link, lost } = makeStream();
  await stream.write(new Uint8Array(1000).fill(1));
  await link.get(new Error("cable cut"));
  assert.deepEqual([lost.length, stream.away, link.closed], [1, true, 1000]);
  await stream.write(new Uint8Array(500).fill(2));
  let written = false;
  const writing = stream.write(new Uint8Array(WINDOW)).then(() => written = true);
  await turns();
  assert.ok(!written);
  const next = new TestLink();
  stream.attach(next, { received: 0, sent: 900 });
  await turns();
  assert.equal(next.length, WINDOW - 900);
  const [first] = next.sent as Uint8Array[];
  assert.deepEqual([...first!.subarray(98, 103)], [1, 1, 2, 2, 2]);
  await next.get(ack(WINDOW / 2));
  await writing;
  assert.equal(next.length, WINDOW + 1500 - 900);
});

Deno.test("the peer is told of what is read, soon or when it is much", async () => {
  const { stream, link, clock } = makeStream();
  await link.get(new Uint8Array(100));
  await stream.read();
  assert.equal(clock.timers, 0, "an echo needs no answer");
  await link.get(new Uint8Array(20_000));
  await stream.read();
  assert.deepEqual(link.texts, []);
  clock.pass(50);
  assert.deepEqual(link.texts, [{ type: "ack", received: 20_100 }]);
  await link.get(new Uint8Array(WINDOW / 4));
  await stream.read();
  assert.deepEqual(link.texts[1], { type: "ack", received: 20_100 + WINDOW / 4 });
  assert.equal(clock.timers, 0);
});

Deno.test("what came on an earlier connection is not taken twice", async () => {
  const { stream, link } = makeStream();
  await link.get(Uint8Array.of(1, 2, 3));
  const next = new TestLink();
  // It was asked for from 1 on, before 2 and 3 had come.
  assert.equal(stream.attach(next, { received: 1, sent: 0 }), link);
  await next.get(Uint8Array.of(2), Uint8Array.of(3, 4), "eof");
  const got: number[] = [];
  for (let bytes = await stream.read(); bytes; bytes = await stream.read()) got.push(...bytes);
  assert.deepEqual(got, [1, 2, 3, 4]);
  await link.get(Uint8Array.of(9));
  assert.equal(stream.received, 4);
});

Deno.test("both ends of file end it, each once it is acknowledged", async () => {
  const { stream, link, lost } = makeStream();
  await stream.write(Uint8Array.of(1, 2));
  let ended = false;
  const ending = stream.end().then(() => ended = true);
  await turns();
  assert.equal(link.sent.at(-1), "eof");
  await link.get(ack(2));
  assert.ok(!ended);
  await link.get(ack(2, true));
  await ending;
  assert.ok(!stream.ended);
  await link.get("eof");
  assert.deepEqual(link.texts.at(-1), { type: "ack", received: 0, eof: true });
  assert.equal(await stream.closed, undefined);
  assert.deepEqual(lost, []);
});

Deno.test("a clean close is a loss before both ends of file, and nothing but that", async () => {
  const { stream, link, lost } = makeStream();
  await link.get("eof", null);
  assert.match(String(lost[0]), /the connection was closed/);
  assert.equal(await stream.read(), null);
  assert.ok(!stream.ended);
});

Deno.test("an end at once is told behind what was written, and waits for nothing", async () => {
  const { stream, link } = makeStream();
  const writing = stream.write(new Uint8Array(2 * WINDOW));
  await turns();
  stream.close(new Error("the reader left"));
  assert.deepEqual(link.texts, [{ type: "end", reason: "the reader left" }]);
  assert.equal(link.length, WINDOW);
  assert.equal(link.closed, 1000);
  await assert.rejects(writing, /the reader left/);
  assert.match(String(await stream.closed), /the reader left/);
  assert.deepEqual([await stream.read(), stream.held], [null, 0]);
});

Deno.test("the peer's end comes behind its bytes", async () => {
  const { stream, link } = makeStream();
  await link.get(Uint8Array.of(1), JSON.stringify({ type: "end", reason: "killed" }));
  assert.equal((await stream.read())?.length, 1);
  await assert.rejects(stream.read(), PeerEndedError);
  await assert.rejects(stream.write(Uint8Array.of(1)), /killed/);
  const clean = makeStream();
  await clean.link.get(JSON.stringify({ type: "end" }));
  assert.equal(await clean.stream.read(), null);
  await clean.stream.write(Uint8Array.of(1));
});

for (
  const [name, messages, why] of [
    ["text that is no frame", ["hello"], /not JSON/],
    ["a frame that does not belong here", ['{"type":"opened"}'], /expected a message/],
    ["an acknowledgement of bytes not sent", [ack(11)], /acknowledged 11, expected 0 to 10/],
    ["a smaller one than before", [ack(5), ack(4)], /acknowledged 4, expected 5 to 10/],
    ["one of an end that was not sent", [ack(10, true)], /end of file that was not sent/],
    ["a negative count", [ack(-1)], /not a count/],
    ["bytes after the end of file", ["eof", Uint8Array.of(1)], /after the end/],
    ["more than the window", [new Uint8Array(WINDOW), Uint8Array.of(1)], /window/],
    ["a long text", [`{"type":"ack","received":0,"x":"${"x".repeat(4096)}"}`], /too long/],
  ] as [string, (string | Uint8Array)[], RegExp][]
) {
  Deno.test(`${name} ends the stream`, async () => {
    const { stream, link, lost } = makeStream();
    await stream.write(new Uint8Array(10));
    await link.get(...messages);
    const error = await stream.closed;
    assert.ok(error instanceof ProtocolError);
    assert.match(error.message, why);
    assert.equal(link.closed, 1008);
    assert.match(JSON.stringify(link.texts.at(-1)), /"type":"end","reason":"the client broke/);
    assert.deepEqual(lost, []);
  });
}

Deno.test("what a former connection gave can be acknowledged on the next one, and nothing else", async () => {
  const { stream, link } = makeStream();
  await stream.write(new Uint8Array(10));
  await link.get(new Error("lost"));
  const next = new TestLink();
  const room = Promise.withResolvers<number>();
  stream.attach(Object.assign(next, { room: () => room.promise }), { received: 0, sent: 4 });
  await next.get(ack(4));
  // The peer got the rest while it asked for this connection, which is given it all the same.
  await next.get(ack(10));
  assert.ok(!stream.ended);
  room.resolve(1_000);
  await turns();
  assert.equal(next.length, 6);
  await next.get(ack(11));
  assert.match(String(await stream.closed), /acknowledged 11, expected 10 to 10/);
});

Deno.test("all streams together keep no more than their budget, and none is stuck", async () => {
  const budget = new StreamBudget(256 * 1024);
  const streams = Array.from({ length: 8 }, () => makeStream({ budget }));
  const written = streams.map(() => 0);
  const writing = streams.map(async ({ stream }, at) => {
    for (; written[at]! < 20; written[at]!++) await stream.write(new Uint8Array(32 * 1024));
  });
  await turns();
  // What each may keep in any case comes on top.
  assert.ok(budget.used <= (256 + 8 * 64) * 1024, `${budget.used}`);
  assert.ok(written.every((count) => count >= 1), `${written}`);
  while (written.some((count) => count < 20)) {
    for (const { link } of streams) await link.get(ack(link.length));
  }
  await Promise.all(writing);
  for (const { stream } of streams) stream.close();
  assert.equal(budget.used, 0);
});
