/** A websocket server that is agent too: its streams go on on another connection, and echo. */
import { type Cut, type CuttingProxy, startCuttingProxy } from "./cutting_proxy.ts";
import { RESUME_SUBPROTOCOL } from "../../lib/protocol/messages.ts";
import { parseFrame, type RequestFrame } from "../../lib/protocol/stream_frames.ts";
import type { ByteStream } from "../../lib/wire/byte_stream.ts";
import { Acceptor } from "../../lib/wire/resume/acceptor.ts";
import type { StreamLink } from "../../lib/wire/resume/stream_link.ts";
import { startWebSocketServer } from "./websocket_server.ts";

/** The server's end of a websocket. */
export function nativeLink(socket: WebSocket): StreamLink {
  const queue: (string | Uint8Array | null | Error)[] = [];
  let wake = () => {};
  const add = (message: string | Uint8Array | null | Error) => {
    queue.push(message);
    wake();
  };
  socket.addEventListener("message", ({ data }) => {
    add(typeof data === "string" ? data : new Uint8Array(data));
  });
  socket.addEventListener("close", ({ wasClean }) => add(wasClean ? null : new Error("cut")));
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message as Uint8Array<ArrayBuffer>);
      return Promise.resolve();
    },
    async receive() {
      while (queue.length === 0) await new Promise<void>((resolve) => wake = resolve);
      const message = queue.shift()!;
      if (message instanceof Error) throw message;
      return message;
    },
    close: (code) => socket.close(code),
  };
}

export interface ResumingServer extends AsyncDisposable {
  /** Of the proxy in front of it. */
  readonly url: string;
  readonly proxy: CuttingProxy;
  /** What its connections were asked for, the first one first. */
  readonly requests: { query: string; protocols: string | null }[];
  /** The connections that are open. */
  readonly sockets: ReadonlySet<WebSocket>;
  /** How the streams ended, the first one first. */
  readonly ends: Promise<Error | undefined>[];
  /** Nobody goes on with a stream of before. */
  forget(): void;
}

/** Sends back what comes, to the end. */
async function echoStream(stream: ByteStream): Promise<void> {
  try {
    for (let bytes = await stream.read(); bytes; bytes = await stream.read()) {
      await stream.write(bytes.slice());
    }
    await stream.end();
  } catch {
    // The client has ended it.
  }
  stream.close();
}

/** Starts one on a free port. */
export function startResumingServer(cuts: Cut[] = []): ResumingServer {
  const options = { window: 65_536, budget: 1024 ** 2, resumeMs: 600_000 };
  let acceptor = new Acceptor(options);
  const requests: ResumingServer["requests"] = [];
  const sockets = new Set<WebSocket>();
  const ends: Promise<Error | undefined>[] = [];
  const accept = async (link: StreamLink) => {
    const first = await link.receive().catch(() => null);
    if (first === null) return;
    const request = parseFrame<RequestFrame>(first, "open", "resume");
    if (request.type === "resume") {
      const refusal = acceptor.resume(link, request);
      if (!refusal) return;
      const { reason } = refusal;
      await link.send(JSON.stringify({ type: "refused", reason, retry: false }));
      return link.close();
    }
    const { stream, keep } = acceptor.open(link);
    keep();
    ends.push(stream.closed);
    await echoStream(stream);
  };
  const server = startWebSocketServer({
    paths: {
      "/": (socket, request) => {
        requests.push({
          query: new URL(request.url).search,
          protocols: request.headers.get("sec-websocket-protocol"),
        });
        sockets.add(socket);
        socket.addEventListener("close", () => sockets.delete(socket));
        void accept(nativeLink(socket));
      },
    },
    protocol: RESUME_SUBPROTOCOL,
  });
  const proxy = startCuttingProxy(server.port);
  proxy.cuts.push(...cuts);
  return {
    url: `ws://127.0.0.1:${proxy.port}`,
    ...{ proxy, requests, sockets, ends },
    forget() {
      acceptor[Symbol.dispose]();
      acceptor = new Acceptor(options);
    },
    async [Symbol.asyncDispose]() {
      acceptor[Symbol.dispose]();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
