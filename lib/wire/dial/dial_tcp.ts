/**
 * How long the first address of a name has before the others are tried too (RFC 8305), in
 * milliseconds.
 */
const NEXT_ADDRESS_DELAY_MS = 250;

/** What {@link dialTcp} does the work with; tests bring their own. */
export interface DialTcpOptions {
  /** Gives up, and closes what is on its way. */
  signal: AbortSignal;
  /** @default Deno.connect */
  connect?: (
    options: { hostname: string; port: number; signal: AbortSignal },
  ) => Promise<Deno.TcpConn>;
  /** All addresses of a name, none if it has none. @default the system's */
  addressesOf?: (hostname: string) => Promise<string[]>;
}

async function systemAddresses(hostname: string): Promise<string[]> {
  try {
    const { lookup } = await import("node:dns/promises");
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/**
 * Connects to the first address of a host that answers; `Deno.connect` itself tries only the first
 * one, and localhost is often two.
 *
 * @throws {Error} of the first address when none answers
 */
export async function dialTcp(
  hostname: string,
  port: number,
  options: DialTcpOptions,
): Promise<Deno.TcpConn> {
  const { signal, connect = Deno.connect, addressesOf = systemAddresses } = options;
  const decided = new AbortController();
  const either = AbortSignal.any([signal, decided.signal]);
  const attempt = async (host: string) => {
    const conn = await connect({ hostname: host, port, signal: either });
    if (either.aborted) {
      conn.close();
      throw either.reason;
    }
    decided.abort();
    return conn;
  };
  const first = attempt(hostname);
  if (hostname.includes(":") || /^[\d.]+$/.test(hostname)) return await first;

  const delay = Promise.withResolvers<void>();
  const timer = setTimeout(delay.resolve, NEXT_ADDRESS_DELAY_MS);
  const others = (async () => {
    await Promise.race([delay.promise, first.catch(() => {})]);
    for (const address of either.aborted ? [] : await addressesOf(hostname)) {
      if (either.aborted) break;
      try {
        return await attempt(address);
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
