import { errorMessage } from "../../cli/program.ts";
import { pipe } from "../../wire/pipe.ts";
import { tcpStream } from "../../wire/tcp_stream.ts";
import { type Connection, Refused } from "../handler.ts";

/** How many listeners a connection may have. */
const MAX_LISTENERS = 100;

/** A connection that a listener has accepted. */
export type Accepted = Deno.Conn;

/** The channel to open for a connection. */
export interface ChannelOpening {
  type: string;
  /** What the type adds to SSH_MSG_CHANNEL_OPEN. */
  data: Uint8Array;
}

/**
 * The listeners that one client has asked for, by a name each. They go with the client, or before
 * when it removes them; connections that they have accepted live on.
 */
export class Listeners {
  readonly #connection: Connection;
  readonly #byName = new Map<string, { sockets: Deno.Listener[]; accepting: Promise<unknown> }>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.signal.addEventListener("abort", () => {
      for (const name of [...this.#byName.keys()]) connection.track(this.remove(name));
    }, { once: true });
  }

  /**
   * Takes `sockets` over and brings each connection they accept to the client.
   *
   * @throws {Refused} if there are too many, or the name is taken; the sockets are closed then
   */
  add(
    name: string,
    sockets: Deno.Listener[],
    opening: (accepted: Accepted) => ChannelOpening,
  ): void {
    const refusal = this.#connection.signal.aborted
      ? "the connection has ended"
      : this.#byName.has(name)
      ? `there is a listener on "${name}" already`
      : this.#byName.size >= MAX_LISTENERS
      ? "too many listeners"
      : undefined;
    if (refusal) {
      for (const socket of sockets) close(socket);
      throw new Refused(refusal);
    }
    const accepting = Promise.all(sockets.map((socket) => this.#accept(socket, opening)));
    this.#connection.track(accepting);
    this.#byName.set(name, { sockets, accepting });
  }

  /**
   * Resolves when nobody can connect any more.
   *
   * @throws {Refused} if there is none of that name
   */
  async remove(name: string): Promise<void> {
    const listener = this.#byName.get(name);
    if (!listener) throw new Refused(`there is no listener on "${name}"`);
    this.#byName.delete(name);
    for (const socket of listener.sockets) close(socket);
    // Until then the system goes on accepting, though nobody takes it.
    await listener.accepting;
  }

  async #accept(
    socket: Deno.Listener,
    opening: (accepted: Accepted) => ChannelOpening,
  ): Promise<void> {
    try {
      for await (const accepted of socket) {
        this.#connection.track(this.#bring(accepted, opening(accepted)));
      }
    } catch (error) {
      this.#connection.log.warn("listener failed", { why: errorMessage(error) });
      close(socket);
    }
  }

  async #bring(accepted: Accepted, { type, data }: ChannelOpening): Promise<void> {
    const stream = tcpStream(accepted);
    try {
      await pipe(stream, await this.#connection.openChannel(type, data));
    } catch (error) {
      this.#connection.log.debug("forwarded connection broke", { type, why: errorMessage(error) });
    } finally {
      stream.close();
    }
  }
}

/**
 * Listens on a unix socket that only this user can reach.
 *
 * @throws {Refused} if it cannot, for instance because the file exists
 */
export function listenUnix(path: string): Deno.Listener {
  // Set around the call, so that there is no moment in which others could connect.
  const before = Deno.umask(0o177);
  try {
    return Deno.listen({ transport: "unix", path }) as Deno.Listener;
  } catch (error) {
    throw new Refused(`cannot listen on "${path}": ${errorMessage(error)}`);
  } finally {
    Deno.umask(before);
  }
}

/** Closes a listener, and removes its file if it is a unix socket's. */
function close(socket: Deno.Listener): void {
  try {
    socket.close();
    const address = socket.addr as Deno.Addr;
    if (address.transport === "unix") Deno.removeSync((address as Deno.UnixAddr).path);
  } catch {
    // It is gone already.
  }
}
