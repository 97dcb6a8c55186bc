/** A small HTTP proxy that knows CONNECT only. */

/** A running proxy; leaving its scope ends it and all that goes through it. */
export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** What was asked for, `host:port` each, in order. */
  readonly asked: string[];
}

async function readHead(conn: Deno.Conn): Promise<string> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    if (await conn.read(byte) === null) break;
    head += String.fromCharCode(byte[0]!);
  }
  return head;
}

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @param login `user:password` that it asks for
 */
export function startConnectProxy(login?: string): ConnectProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: string[] = [];
  const open = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];
  const keep = (conn: Deno.Conn) => {
    open.add(conn);
    return conn;
  };
  const serve = async (client: Deno.Conn) => {
    const answer = (line: string) =>
      client.write(new TextEncoder().encode(`HTTP/1.1 ${line}\r\n\r\n`));
    try {
      const head = await readHead(client);
      const [, hostname, port] = /^CONNECT (.*):(\d+) HTTP\/1\.1\r\n/.exec(head)!;
      asked.push(`${hostname}:${port}`);
      const wanted = `proxy-authorization: Basic ${btoa(login ?? "")}\r\n`;
      if (login !== undefined && !head.toLowerCase().includes(wanted.toLowerCase())) {
        await answer("407 Proxy Authentication Required");
        return;
      }
      const server = keep(await Deno.connect({ hostname, port: Number(port) }));
      await answer("200 Connection established");
      await Promise.all([
        client.readable.pipeTo(server.writable),
        server.readable.pipeTo(client.writable),
      ]);
    } catch {
      // One end was closed early.
    } finally {
      open.delete(client);
      try {
        client.close();
      } catch {
        // It is closed already.
      }
    }
  };
  const accepting = (async () => {
    for await (const conn of listener) running.push(serve(keep(conn)));
  })();
  return {
    port: listener.addr.port,
    asked,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) {
        try {
          conn.close();
        } catch {
          // It is closed already.
        }
      }
      await accepting;
      await Promise.all(running);
    },
  };
}
