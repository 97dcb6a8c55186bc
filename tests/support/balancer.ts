import { accepted } from "../../lib/wire/accept.ts";
import { pipe } from "../../lib/wire/pipe.ts";
import { tcpStream } from "../../lib/wire/tcp_stream.ts";

/** One address for many ports of this machine: each connection goes to the next that answers. */
export class Balancer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  readonly #pipes = new Set<Promise<void>>();
  readonly #open = new Set<Deno.Conn>();
  #next = 0;

  /** @param ports may change at any time */
  constructor(public ports: number[]) {
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  async #serve(): Promise<void> {
    for await (const conn of accepted(this.#listener, { onError: () => {} })) {
      const piping = this.#forward(conn).finally(() => this.#pipes.delete(piping));
      this.#pipes.add(piping);
    }
  }

  async #forward(conn: Deno.TcpConn): Promise<void> {
    const upstream = await this.#connect();
    if (upstream === undefined) return conn.close();
    this.#open.add(conn).add(upstream);
    conn.setNoDelay();
    upstream.setNoDelay();
    await pipe(tcpStream(conn), tcpStream(upstream)).catch(() => {});
    this.#open.delete(conn);
    this.#open.delete(upstream);
  }

  async #connect(): Promise<Deno.TcpConn | undefined> {
    const { ports } = this;
    for (let i = 0; i < ports.length; i++) {
      const port = ports[this.#next++ % ports.length]!;
      try {
        return await Deno.connect({ hostname: "127.0.0.1", port });
      } catch {
        // The next one may answer.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    for (const conn of this.#open) {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
    }
    await Promise.all(this.#pipes);
  }
}
