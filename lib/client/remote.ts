/** The other end of a websocket, as a stream of bytes that outlives the websocket if it can. */
import { CloseCode, HALF_CLOSE_SUBPROTOCOL, RESUME_SUBPROTOCOL } from "../protocol/messages.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import { openStream } from "../wire/resume/initiator.ts";
import { RESUMABLE_PING_MS } from "../wire/resume/stream_link.ts";
import {
  connectWebSocket,
  type WebSocketConnection,
  type WebSocketOptions,
} from "../wire/websocket/websocket.ts";
import { websocketStream } from "../wire/websocket/stream.ts";
import type { Interruption } from "./interruption_messages.ts";
import { SleepWatch } from "./sleep_watch.ts";

/** How long one try to reconnect may take, in milliseconds: a network that is back has lost it. */
const TRY_MS = 10_000;

/** The longest that a server is asked to wait for the agent, in seconds. */
const MAX_WAIT_S = 3_600;

export interface RemoteOptions
  extends Omit<WebSocketOptions, "protocols" | "signal">, Partial<Interruption> {
  /** Ends the opening. */
  signal: AbortSignal;
  /** How long to try to reconnect when the connection is lost, in milliseconds; 0: not at all. */
  resumeMs: number;
}

/** An open websocket, or one after the other. */
export interface Remote {
  stream: ByteStream;
  /** Ends it cleanly, because this program ends. */
  leave(): void;
  /** Resolves when no connection is open. */
  closed(): Promise<unknown>;
}

/** Opens a websocket. @throws {Error} if it cannot be opened, or the agent refuses */
export async function openRemote(url: URL, options: RemoteOptions): Promise<Remote> {
  const { resumeMs } = options;
  const protocols = resumeMs > 0
    ? [RESUME_SUBPROTOCOL, HALF_CLOSE_SUBPROTOCOL]
    : [HALF_CLOSE_SUBPROTOCOL];
  const connection = await connectWebSocket(url, { ...options, protocols });
  const closed = () => connection.closed;
  if (connection.protocol === RESUME_SUBPROTOCOL) {
    const remote = await openResumable(url, connection, options);
    if (remote) return remote;
  }
  return {
    stream: websocketStream(connection),
    leave: () => connection.close(CloseCode.goingAway, "the client has ended"),
    closed,
  };
}

/** @returns undefined if the agent cannot resume; the connection then carries plain bytes */
async function openResumable(
  url: URL,
  first: WebSocketConnection,
  options: RemoteOptions,
): Promise<Remote | undefined> {
  const connections = new Set([first]);
  const reconnect = async (signal: AbortSignal, waitMs: number) => {
    const again = new URL(url);
    // The agent may still be on its way to a server that was started again.
    const seconds = Math.min(Math.max(1, Math.ceil(waitMs / 1_000)), MAX_WAIT_S);
    again.searchParams.set("wait", `${seconds}s`);
    const connection = await connectWebSocket(again, {
      ...options,
      protocols: [RESUME_SUBPROTOCOL],
      signal,
      timeout: TRY_MS,
      pingInterval: RESUMABLE_PING_MS,
    });
    connection.receiveParts();
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
    return connection;
  };
  first.receiveParts();
  const stop = () => first.close(CloseCode.goingAway, "the client has ended");
  options.signal.addEventListener("abort", stop);
  try {
    const opened = await openStream(first, {
      ...options,
      connect: ({ signal, waitMs }) => reconnect(signal, waitMs),
    });
    if (!opened) return;
    first.pingEvery(RESUMABLE_PING_MS);
    const { stream } = opened;
    const watch = new SleepWatch({ onWake: () => opened.move() });
    void stream.closed.then(() => {
      watch[Symbol.dispose]();
      options.onEnded?.();
    });
    const closed = () => Promise.all(Array.from(connections, ({ closed }) => closed));
    return { stream, leave: () => stream.close(), closed };
  } catch (error) {
    first.close();
    throw error;
  } finally {
    options.signal.removeEventListener("abort", stop);
  }
}
