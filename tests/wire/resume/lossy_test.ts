/** Thousands of connections that break anywhere, in time that only the tests let pass. */
import assert from "node:assert/strict";
import { parseFrame, type RequestFrame } from "../../../lib/protocol/stream_frames.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";
import { Acceptor } from "../../../lib/wire/resume/acceptor.ts";
import { type OpenedStream, openStream } from "../../../lib/wire/resume/initiator.ts";
import type { StreamLink } from "../../../lib/wire/resume/stream_link.ts";
import { connection, Random, type Weather, World } from "../../support/lossy_world.ts";

const SCHEDULES = 10_000;

/** More than all connections that break need together, in milliseconds. */
const LONG_MS = 3_600_000;

/** The memory of a block, which is rounded up, in bytes. */
const BLOCK = 4096;

/** What one end has sent and got, and how it ended. */
interface Side {
  sent: Uint8Array;
  /** As latin1. */
  got: string;
  closed: boolean;
  /** Whether it ended the stream early. */
  left: boolean;
  error?: Error;
}

function makeSide(random: Random): Side {
  const sent = Uint8Array.from({ length: random.below(2000) }, () => random.below(256));
  return { sent, got: "", closed: false, left: false };
}

function makeWeather(random: Random, breaks: boolean): Weather {
  const slow = random.chance(0.2) ? 200 : 5;
  const silent = random.chance(0.3) ? 20_000 : 10;
  return {
    pushes: random.chance(0.5),
    latency: () => random.below(slow),
    pause: () => random.chance(0.5) ? 0 : random.below(slow),
    breaksAfter: breaks ? random.below(random.chance(0.5) ? 4 : 40) : Infinity,
    silence: () => random.below(silent),
  };
}

/** Writes, reads and ends as a program might, in pieces and with pauses of any length. */
async function use(stream: ByteStream, side: Side, world: World, random: Random): Promise<void> {
  const pause = random.chance(0.3) ? 100 : 3;
  const leavesAfter = random.chance(0.03) ? random.below(1500) : Infinity;
  const write = async () => {
    for (let at = 0; at < side.sent.length;) {
      if (random.chance(0.3)) await world.delay(random.below(pause));
      const piece = side.sent.subarray(at, at + 1 + random.below(300));
      await stream.write(piece);
      at += piece.length;
    }
    await stream.end();
  };
  const read = async () => {
    for (let bytes = await stream.read(); bytes; bytes = await stream.read()) {
      side.got += String.fromCharCode(...bytes);
      side.left ||= side.got.length > leavesAfter;
      if (side.left) stream.close(new Error("left"));
      if (random.chance(0.3)) await world.delay(random.below(pause));
    }
  };
  await Promise.allSettled([write(), read()]);
  stream.close();
  side.error = await stream.closed;
  side.closed = true;
}

/** One schedule. @returns whether both ended well */
async function runSchedule(seed: number): Promise<boolean> {
  const random = new Random(seed);
  const world = new World();
  const window = 64 * (1 + random.below(16));
  // A few are short: then both ends give up.
  const resumeMs = random.chance(0.1) ? random.below(20_000) : LONG_MS;
  using acceptor = new Acceptor({ window, resumeMs, budget: 64 * 1024, clock: world });
  const client = makeSide(random);
  /** One for each stream that was opened; only the last one's client got to know of it. */
  const agents: Side[] = [];
  const streams: { held: number }[] = [];

  const accept = async (link: StreamLink) => {
    try {
      // A request may wait in a server until the agent is there; the connection before goes on.
      if (random.chance(0.3)) await world.delay(random.below(1_000));
      const request = parseFrame<RequestFrame>(await link.receive(), "open", "resume");
      if (request.type === "resume") {
        const refusal = acceptor.resume(link, request);
        if (!refusal) return;
        await link.send(JSON.stringify({ type: "refused", ...refusal, retry: false }));
        return link.close();
      }
      const { stream, keep } = acceptor.open(link);
      keep();
      streams.push(stream);
      const agent = makeSide(random);
      agents.push(agent);
      await use(stream, agent, world, random);
    } catch {
      // It was cut before its first frame.
    }
  };

  let breaks = random.below(8);
  const connect = async () => {
    await world.delay(random.below(100));
    if (random.chance(0.2)) throw new Error("connection refused");
    const [ours, theirs] = connection(world, makeWeather(random, breaks-- > 0));
    void accept(theirs);
    return ours;
  };

  const run = async () => {
    const options = { connect, resumeMs, clock: world, random: random.next };
    const open = () => connect().then((link) => openStream(link, options)).catch(() => {});
    const openSome = async (): Promise<OpenedStream> => await open() ?? openSome();
    const opened = await openSome();
    streams.push(opened.stream);
    let moves = random.chance(0.5) ? random.below(4) : 0;
    const move = () => {
      opened.move();
      if (moves-- > 0) world.after(random.below(200), move);
    };
    if (moves > 0) world.after(random.below(200), move);
    await use(opened.stream, client, world, random);
  };
  void run();

  const isOver = () => client.closed && agents.every(({ closed }) => closed) && acceptor.size === 0;
  const ended = await world.run(isOver, () => {
    for (const { held } of streams) assert.ok(held <= window + BLOCK, `seed ${seed}: ${held} kept`);
  });
  assert.ok(ended, `seed ${seed}: it hangs`);
  assert.equal(acceptor.held, 0, `seed ${seed}`);
  const agent = agents.at(-1)!;
  for (const error of [client.error, agent.error]) {
    // Only who leaves or gives up ends a stream early, and nobody is taken for a stranger.
    const why = error?.message ?? "";
    assert.doesNotMatch(why, /wrong|made before|broke the protocol/, `seed ${seed}`);
  }
  if (resumeMs === LONG_MS && !client.left && !agent.left) {
    assert.equal(client.error, undefined, `seed ${seed}`);
  }
  for (const [from, to] of [[client, agent], [agent, client]] as const) {
    const beginning = String.fromCharCode(...from.sent.subarray(0, to.got.length));
    assert.equal(to.got, beginning, `seed ${seed}: other bytes`);
    // The agent may have missed the client's last frame.
    if (client.error) continue;
    assert.equal(to.got.length, from.sent.length, `seed ${seed}: bytes are missing`);
  }
  return !client.error && !agent.error;
}

Deno.test("what comes out is what went in, however often connections break", async () => {
  let well = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    if (await runSchedule(seed)) well++;
  }
  assert.ok(well > 0.8 * SCHEDULES, `${well} ended well`);
});
