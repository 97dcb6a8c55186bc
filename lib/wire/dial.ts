/** Opens the TCP or TLS connection under a websocket. */

import type { Transport } from "./http_upgrade.ts";

export interface DialOptions {
  /** PEM certificates of authorities to trust besides those that Deno trusts. */
  ca?: string;
  /** Trust any certificate. */
  insecure?: boolean;
  signal: AbortSignal;
}

/** How long the first address of a name has before the others are tried too (RFC 8305). */
const NEXT_ADDRESS_DELAY_MS = 250;

/** The addresses of a name; `Deno.connect` itself tries only the first. */
async function addressesOf(hostname: string): Promise<string[]> {
  try {
    const { lookup } = await import("node:dns/promises");
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/**
 * Connects to the first address of a host that answers.
 *
 * @throws {Error} of the first address when none answers
 */
export async function dialTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const decided = new AbortController();
  const either = AbortSignal.any([signal, decided.signal]);
  const connect = async (host: string) => {
    const conn = await Deno.connect({ hostname: host, port, signal: either });
    if (either.aborted) {
      conn.close();
      throw either.reason;
    }
    decided.abort();
    return conn;
  };
  const first = connect(hostname);
  if (hostname.includes(":") || /^[\d.]+$/.test(hostname)) return await first;

  const delay = Promise.withResolvers<void>();
  const timer = setTimeout(delay.resolve, NEXT_ADDRESS_DELAY_MS);
  const others = (async () => {
    await Promise.race([delay.promise, first.catch(() => {})]);
    for (const address of either.aborted ? [] : await addressesOf(hostname)) {
      if (either.aborted) break;
      try {
        return await connect(address);
      } catch {
        // The next one may answer.
      }
    }
    return await first;
  })();
  try {
    return await Promise.any([first, others]);
  } catch {
    signal.throwIfAborted();
    return await first;
  } finally {
    clearTimeout(timer);
    delay.resolve();
  }
}

/**
 * Opens the connection for `url`.
 *
 * @throws {Error} the system's or the TLS library's own, or the signal's reason
 */
export async function dial(url: URL, options: DialOptions): Promise<Transport> {
  const secure = url.protocol === "wss:";
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const tcp = await dialTcp(hostname, Number(url.port || (secure ? 443 : 80)), options.signal);
  tcp.setNoDelay();
  if (!secure) return tcp;
  const tls = await Deno.startTls(tcp, {
    hostname,
    caCerts: options.ca === undefined ? [] : [options.ca],
    alpnProtocols: ["http/1.1"],
  });
  const abort = () => tls.close();
  options.signal.addEventListener("abort", abort);
  try {
    await tls.handshake();
    return tls;
  } catch (error) {
    if (!options.signal.aborted) tls.close();
    throw error;
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}
