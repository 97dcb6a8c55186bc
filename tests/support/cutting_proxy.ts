/** A TCP proxy that cuts connections after so many bytes. */

/** After how many bytes a connection is cut, towards the server and towards the client. */
export interface Cut {
  up?: number;
  down?: number;
}

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** What becomes of the next connections, the first one first; of more nothing does. */
  readonly cuts: Cut[];
  /** How many bytes the latest connection has carried. */
  readonly carried: Required<Cut>;
  /** Cuts all connections that are open. */
  cutAll(): void;
}

/** Starts one in front of a port of 127.0.0.1. */
export function startCuttingProxy(port: number): CuttingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<() => void>();
  const proxy = { cuts: [] as Cut[], carried: { up: 0, down: 0 } };
  const serve = async (client: Deno.TcpConn) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    const cut = () => {
      if (!open.delete(cut)) return;
      client.close();
      server.close();
    };
    open.add(cut);
    const limits = proxy.cuts.shift() ?? {};
    const carried = proxy.carried = { up: 0, down: 0 };
    const copy = async (from: Deno.TcpConn, to: Deno.TcpConn, way: "up" | "down") => {
      const buffer = new Uint8Array(16 * 1024);
      const most = limits[way] ?? Infinity;
      try {
        for (;;) {
          const count = await from.read(buffer);
          if (count === null) break;
          const passed = Math.min(count, most - carried[way]);
          for (let at = 0; at < passed;) at += await to.write(buffer.subarray(at, passed));
          carried[way] += passed;
          if (carried[way] >= most) break;
        }
      } catch {
        // It was cut elsewhere.
      }
      cut();
    };
    await Promise.all([copy(client, server, "up"), copy(server, client, "down")]);
  };
  const serving = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const client of listener) {
      const served = serve(client).catch(() => client.close());
      serving.add(served);
      void served.finally(() => serving.delete(served));
    }
  })();
  const cutAll = () => [...open].forEach((cut) => cut());
  return {
    port: listener.addr.port,
    cuts: proxy.cuts,
    get carried() {
      return proxy.carried;
    },
    cutAll,
    async [Symbol.asyncDispose]() {
      listener.close();
      cutAll();
      await accepting;
      await Promise.all(serving);
    },
  };
}
