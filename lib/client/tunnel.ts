import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import { accepted } from "../wire/accept.ts";
import { listenFailure } from "../wire/listen_failure.ts";
import { tcpStream } from "../wire/tcp_stream.ts";
import { relay, type WebSocketRelayOptions } from "./relay.ts";
import { sshRefusal } from "./ssh_refusal.ts";

export interface TunnelOptions extends WebSocketRelayOptions {
  /** The address to listen on. */
  hostname: string;
  /** The TCP port; 0 for any that is free. */
  port: number;
  log: Log;
  /** Called once with the port when it listens. */
  onListen?: (port: number) => void;
}

/** An address with its port, as ssh and URLs write it. */
export function formatAddress(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

async function listen(hostname: string, port: number): Promise<Deno.TcpListener> {
  try {
    // With Node it is a promise.
    return await Deno.listen({ hostname, port });
  } catch (cause) {
    const why = listenFailure(cause, {
      port: "port 0 takes any that is free",
      host: "choose another one with --listen",
    });
    throw new Error(`cannot listen on ${formatAddress(hostname, port)}: ${why}`, { cause });
  }
}

/** How long a client has to read why it is refused, in milliseconds. */
const REFUSE_MS = 5_000;

/** Tells an SSH client why there is no connection. */
async function refuse(local: ByteStream, reason: string): Promise<void> {
  const timer = setTimeout(() => local.close(), REFUSE_MS);
  try {
    await local.write(sshRefusal(reason));
    await local.end();
    // With unread input, closing would take back what was written.
    while (await local.read() !== null);
  } catch {
    // The client has disconnected.
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Listens on a TCP port and gives each connection a websocket of its own, until the signal aborts.
 * A connection that fails is logged and closed; the others go on.
 *
 * @throws {Error} if it cannot listen
 */
export async function runTunnel(url: URL, options: TunnelOptions): Promise<void> {
  const { hostname, port, log, signal, onListen } = options;
  using listener = await listen(hostname, port);
  onListen?.(listener.addr.port);
  const connections = new Set<Promise<void>>();
  const stop = () => listener.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();

  const serve = async (conn: Deno.TcpConn) => {
    const { hostname, port } = conn.remoteAddr;
    const local = tcpStream(conn);
    const client = formatAddress(hostname, port);
    try {
      await relay(local, url, {
        ...options,
        onRefused: (error) => refuse(local, errorMessage(error)),
        onLost: (error) => log.info("connection lost, reconnecting", { client, reason: error }),
        onResumed: () => log.info("reconnected", { client }),
      });
    } catch (error) {
      log.warn("connection failed", { client, reason: error });
    }
  };
  const onError = (error: unknown) => log.error("cannot accept a connection", { reason: error });
  for await (const conn of accepted(listener, { onError })) {
    const connection = serve(conn);
    connections.add(connection);
    void connection.finally(() => connections.delete(connection));
  }
  await Promise.all(connections);
}
