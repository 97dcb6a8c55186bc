/** What the cases are played against, and how it did. */
import { Buffer } from "node:buffer";
import { connectWebSocket } from "../../../../lib/wire/websocket/websocket.ts";
import { requestUpgrade } from "../../../../lib/wire/websocket/http_upgrade.ts";
import { startRawServer, upgrade } from "../../../support/raw_websocket_server.ts";
import { startTestServer } from "../../../support/server.ts";
import { TestAgent } from "../../../support/test_socket.ts";
import { echo, startWebSocketServer } from "../../../support/websocket_server.ts";
import type { ConformanceCase, Reply } from "./cases.ts";
import { type Outcome, play } from "./play.ts";

/** How a case ended, as the Autobahn test suite says it; "policy": see {@link judgeRelay}. */
export type Verdict = "passed" | "non-strict" | "informational" | "policy" | "failed";

/** One end of a websocket that is tested. */
export interface TestedEnd extends AsyncDisposable {
  play(test: ConformanceCase): Promise<Outcome>;
  judge(test: ConformanceCase, outcome: Outcome): Verdict;
}

function same(a: Reply[], b: Reply[]): boolean {
  return a.length === b.length && a.every(({ kind, payload }, i) => {
    return kind === b[i]!.kind && Buffer.from(payload).equals(b[i]!.payload);
  });
}

function repeated(test: ConformanceCase): Reply[] {
  return Array.from({ length: test.rounds ?? 1 }, () => test.replies).flat();
}

function judge(test: ConformanceCase, { replies, code, closedFirst }: Outcome): Verdict {
  const closedWell = code === undefined ? test.mayDrop : test.codes.includes(code);
  const rightOne = test.closedBy === "case" || closedFirst === (test.closedBy === "them");
  if (test.informational) return "informational";
  if (!closedWell || !rightOne) return "failed";
  if (same(replies, repeated(test))) return "passed";
  return test.lenient && same(replies, test.lenient) ? "non-strict" : "failed";
}

/**
 * The server does not echo: it carries bytes between the two ends of a pair. So a text message is
 * refused with 1003 as soon as it is whole, whatever comes behind it, and an empty message is not
 * carried on; both are counted as policy.
 */
function judgeRelay(test: ConformanceCase, outcome: Outcome): Verdict {
  const refused = test.replies.some(({ kind }) => kind === "text") || test.informational;
  if (refused && outcome.code === 1003) {
    return same(outcome.replies, carried(test.replies)) ? "policy" : "failed";
  }
  const verdict = judge({ ...test, replies: carried(test.replies) }, outcome);
  const changed = carried(test.replies).length < test.replies.length;
  return verdict === "passed" && changed ? "policy" : verdict;
}

/** What of the replies a relay carries. */
function carried(replies: Reply[]): Reply[] {
  return replies.filter(({ kind, payload }) => {
    return kind === "pong" || kind === "binary" && payload.length > 0;
  });
}

/** Our client, with a program behind it that sends back what it receives. */
export function clientEnd(): TestedEnd {
  return {
    async play(test) {
      const outcome = Promise.withResolvers<Outcome>();
      await using server = startRawServer(async (conn) => {
        await upgrade(conn);
        await play(conn, test, { masked: false }).then(outcome.resolve, outcome.reject);
      });
      const connection = await connectWebSocket(server.url);
      try {
        for (let m = await connection.receive(); m !== null; m = await connection.receive()) {
          await connection.send(m);
        }
      } catch {
        // The end that plays the case sees how it ended.
      }
      await connection.closed;
      return await outcome.promise;
    },
    judge,
    async [Symbol.asyncDispose]() {},
  };
}

/** Plays a case as a client of `url`. */
async function playAt(url: URL, test: ConformanceCase): Promise<Outcome> {
  const conn = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  try {
    const { rest } = await requestUpgrade(conn, { url, headers: new Headers(), protocols: [] });
    return await play(conn, test, { masked: true, rest });
  } finally {
    conn.close();
  }
}

/** The native websocket that the server stands on, sending back what it receives. */
export function nativeEnd(): TestedEnd {
  const server = startWebSocketServer({ paths: { "/": echo } });
  return {
    play: (test) => playAt(new URL(server.url), test),
    judge,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The server, between the client that plays the case and an agent that sends back what it gets. */
export async function relayEnd(): Promise<TestedEnd> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startTestServer());
  const agent = stack.use(await TestAgent.register(server.ws, "echo"));
  const ends = stack.move();
  return {
    async play(test) {
      const data = await agent.park({ halfClose: false });
      const echoing = (async () => {
        await data.nextMessage();
        for (;;) data.send(await data.next());
      })().catch(() => {});
      const outcome = await playAt(new URL(`${server.ws}/client/echo`), {
        ...test,
        // A text does not come back: the wait ends with the connection.
        replies: test.replies.filter((reply) => reply.kind === "text" || carried([reply]).length),
      });
      await data.closed;
      await echoing;
      return outcome;
    },
    judge: judgeRelay,
    [Symbol.asyncDispose]: () => ends[Symbol.asyncDispose](),
  };
}
