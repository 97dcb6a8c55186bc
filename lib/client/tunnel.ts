import type { Log } from "../cli/log.ts";
import { listenFailure } from "../wire/listen_failure.ts";
import { tcpStream } from "../wire/tcp_stream.ts";
import { relay, type RelayOptions } from "./relay.ts";

export interface TunnelOptions extends RelayOptions {
  /** The address to listen on. */
  hostname: string;
  /** The TCP port; 0 for any that is free. */
  port: number;
  log: Log;
  /** Called once with the port when it listens. */
  onListen?: (port: number) => void;
}

/** How long to wait before the next connection is accepted when that failed, in milliseconds. */
const ACCEPT_PAUSE_MS = 200;

/** An address with its port, as ssh and URLs write it. */
export function formatAddress(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const why = listenFailure(cause, {
      port: "port 0 takes any that is free",
      host: "choose another one with --listen",
    });
    throw new Error(`cannot listen on ${formatAddress(hostname, port)}: ${why}`, { cause });
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
  using listener = listen(hostname, port);
  onListen?.(listener.addr.port);
  const connections = new Set<Promise<void>>();
  const stop = () => listener.close();
  signal.addEventListener("abort", stop);

  const serve = async (conn: Deno.TcpConn) => {
    const { hostname, port } = conn.remoteAddr;
    try {
      await relay(tcpStream(conn), url, options);
    } catch (error) {
      log.warn("connection failed", { client: formatAddress(hostname, port), error });
    }
  };
  while (!signal.aborted) {
    try {
      const connection = serve(await listener.accept());
      connections.add(connection);
      void connection.finally(() => connections.delete(connection));
    } catch (error) {
      if (signal.aborted) break;
      // For instance too many open files: those that are open go on, and make room by and by.
      log.error("cannot accept a connection", { error });
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
    }
  }
  await Promise.all(connections);
}
