/** Opens the TCP or TLS connection under a websocket. */

import { connectFailure } from "./connect_failure.ts";
import { dialTcp } from "./dial_tcp.ts";
import { oneLine, readResponseHead } from "../http_response.ts";
import { type RawConnection, writeAll } from "../raw_connection.ts";
import { startInsecureTls } from "./insecure_tls.ts";
import { type Proxy, proxyFor } from "./proxy.ts";
import { startTls } from "./trust.ts";

export interface DialOptions {
  /** PEM certificates of authorities to trust besides those that the machine and Deno trust. */
  ca?: string;
  /** Trust any certificate. */
  insecure?: boolean;
  signal: AbortSignal;
}

function closeQuietly(conn: Deno.Conn | undefined): void {
  try {
    conn?.close();
  } catch {
    // It is closed already.
  }
}

/**
 * Connects to `host` (with its port) through a proxy (RFC 9110, section 9.3.6).
 *
 * @throws {Error} that names the proxy, without its password
 */
async function dialProxy(proxy: Proxy, host: string, signal: AbortSignal): Promise<Deno.TcpConn> {
  const { hostname, port, authorization } = proxy;
  let conn: Deno.TcpConn | undefined;
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close);
  try {
    conn = await dialTcp(hostname, port, { signal });
    const login = authorization === undefined ? "" : `proxy-authorization: ${authorization}\r\n`;
    const request = `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n${login}\r\n`;
    await writeAll(conn, new TextEncoder().encode(request));
    const { status, statusText } = await readResponseHead(conn);
    if (status >= 300) throw new Error(`${oneLine(statusText)} (${status})`);
    return conn;
  } catch (cause) {
    close();
    const why = `the proxy ${hostname}:${port}: ${connectFailure(cause)}`;
    throw new Error(why, { cause });
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/**
 * Opens the connection for `url`, through the proxy that the environment names.
 *
 * @throws {Error} the system's or the TLS library's own, or the signal's reason
 */
export async function dial(url: URL, options: DialOptions): Promise<RawConnection> {
  const { ca, signal } = options;
  const secure = url.protocol === "wss:";
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port || (secure ? 443 : 80));
  const proxy = proxyFor(url);
  let conn: Deno.Conn | undefined;
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close);
  try {
    const tcp = conn = proxy === undefined
      ? await dialTcp(hostname, port, { signal })
      : await dialProxy(proxy, `${url.hostname}:${port}`, signal);
    tcp.setNoDelay();
    if (!secure) return tcp;
    if (options.insecure) return await startInsecureTls(tcp, hostname);
    const caCerts = ca === undefined ? [] : [ca];
    const tls = await startTls(tcp, { hostname, caCerts, alpnProtocols: ["http/1.1"] });
    conn = tls;
    await tls.handshake();
    return tls;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}
