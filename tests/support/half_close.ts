/** Peers that tell whether a path between them keeps half-close. */
import assert from "node:assert/strict";
import { writeAll } from "../../lib/wire/raw_connection.ts";
import { inTime } from "./deadline.ts";

/**
 * A server whose answer comes when it has seen the end of what it gets: the same bytes backwards.
 * It answers nothing to one who does not end, or whose end takes the answer's direction with it.
 */
export class BackwardsServer implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #connections = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Listens on a free port of loopback, or on a unix socket. */
  constructor(path?: string) {
    this.#listener = path === undefined
      ? Deno.listen({ hostname: "127.0.0.1", port: 0 })
      : Deno.listen({ transport: "unix", path }) as Deno.Listener;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const served = this.#serve(conn).catch(() => {}).finally(() => {
        this.#connections.delete(served);
      });
      this.#connections.add(served);
    }
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    using _conn = conn;
    const bytes = await readToEnd(conn);
    await writeAll(conn, bytes.reverse());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#connections);
  }
}

/** Sends bytes to a {@link BackwardsServer}, ends, and checks what comes back afterwards. */
export async function assertBackwards(
  target: Deno.ConnectOptions | Deno.UnixConnectOptions,
  size = 1_000_000,
): Promise<void> {
  using conn = await connect(target);
  const bytes = new Uint8Array(size).map((_, at) => at * 7 + (at >> 8));
  const answer = readToEnd(conn);
  await writeAll(conn, bytes);
  await conn.closeWrite();
  const received = await inTime(answer, () => "no end of the answer");
  assert.ok(received.length === size && received.reverse().every((byte, at) => byte === bytes[at]));
}

/** Checks that one who has got the end can still send: `listener` is what `target` leads to. */
export async function assertEarlyEnd(
  target: Deno.ConnectOptions | Deno.UnixConnectOptions,
  listener: Deno.Listener,
): Promise<void> {
  const accepted = listener.accept();
  using conn = await connect(target);
  using peer = await accepted;
  await peer.closeWrite();
  const end = await inTime(conn.read(new Uint8Array(1)), () => "the end did not come");
  assert.equal(end, null);
  await writeAll(conn, new TextEncoder().encode("still here"));
  await conn.closeWrite();
  const received = await inTime(readToEnd(peer), () => "the other end did not come");
  assert.equal(new TextDecoder().decode(received), "still here");
}

function connect(target: Deno.ConnectOptions | Deno.UnixConnectOptions): Promise<Deno.Conn> {
  return "path" in target ? Deno.connect(target) : Deno.connect(target);
}

async function readToEnd(conn: Deno.Conn): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    chunks.push(buffer.slice(0, count));
  }
}
