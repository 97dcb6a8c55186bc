import { dirname, join } from "node:path";
import { errorMessage } from "../../text/error_message.ts";
import { atShortPath } from "../../process/self.ts";
import { accepted } from "../../wire/accept.ts";
import { pipe } from "../../wire/pipe.ts";
import { tcpStream } from "../../wire/tcp_stream.ts";
import { Refused, type SshConnection } from "../connection/handler.ts";
import { checkSocketPath } from "./socket_path.ts";

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
 * The listeners of one client, each under a name; a unix socket's is its path. They end with the
 * client's connection, or when it removes them. Connections that they have accepted live on.
 */
export class Listeners {
  readonly #connection: SshConnection;
  readonly #byName = new Map<string, { sockets: Deno.Listener[]; accepting: Promise<unknown> }>();

  constructor(connection: SshConnection) {
    this.#connection = connection;
    connection.signal.addEventListener("abort", () => {
      for (const name of [...this.#byName.keys()]) connection.track(this.remove(name));
    }, { once: true });
  }

  /**
   * Takes over `sockets` and forwards each connection they accept to the client.
   *
   * @throws {Refused} if there are too many listeners, or the name is taken; closes the sockets
   */
  add(
    name: string,
    sockets: Deno.Listener[],
    opening: (accepted: Accepted) => ChannelOpening,
  ): void {
    const refusal = this.#connection.signal.aborted
      ? "the connection has ended"
      : this.#byName.has(name)
      ? `already listening on "${name}"`
      : this.#byName.size >= MAX_LISTENERS
      ? "too many listeners"
      : undefined;
    if (refusal) {
      for (const socket of sockets) close(name, socket);
      throw new Refused(refusal);
    }
    const accepting = Promise.all(sockets.map((socket) => this.#accept(name, socket, opening)));
    this.#connection.track(accepting);
    this.#byName.set(name, { sockets, accepting });
  }

  /**
   * Resolves when nobody can connect any more.
   *
   * @throws {Refused} if there is no listener of that name
   */
  async remove(name: string): Promise<void> {
    const listener = this.#byName.get(name);
    if (!listener) throw new Refused(`not listening on "${name}"`);
    this.#byName.delete(name);
    for (const socket of listener.sockets) close(name, socket);
    // Until then the system still accepts connections, which nobody serves.
    await listener.accepting;
  }

  async #accept(
    name: string,
    socket: Deno.Listener,
    opening: (accepted: Accepted) => ChannelOpening,
  ): Promise<void> {
    const onError = (error: unknown) =>
      this.#connection.log.warn("listener cannot accept", { name, reason: errorMessage(error) });
    for await (const connection of accepted(socket, { onError })) {
      this.#connection.track(this.#forward(connection, opening(connection)));
    }
  }

  async #forward(accepted: Accepted, { type, data }: ChannelOpening): Promise<void> {
    const stream = tcpStream(accepted);
    try {
      await pipe(stream, await this.#connection.openChannel(type, data));
    } catch (error) {
      this.#connection.log.debug("forwarded connection failed", {
        type,
        reason: errorMessage(error),
      });
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
  let directory: string | undefined;
  try {
    checkSocketPath(path);
    if (exists(path)) throw new Error("it already exists");
    // In a private directory until the socket itself keeps others out. A umask would do it in one
    // step, but it applies to what other threads create, too.
    directory = Deno.makeTempDirSync({ dir: dirname(path), prefix: "." });
    const bound = join(directory, "s");
    const listener = atShortPath(
      directory,
      (short) => Deno.listen({ transport: "unix", path: join(short, "s") }),
    );
    try {
      Deno.chmodSync(bound, 0o600);
      Deno.renameSync(bound, path);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener as Deno.Listener;
  } catch (error) {
    throw new Refused(`cannot listen on "${path}": ${errorMessage(error)}`);
  } finally {
    if (directory !== undefined) Deno.removeSync(directory, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Closes a listener, and removes the file of a unix socket. */
function close(name: string, socket: Deno.Listener): void {
  try {
    socket.close();
    if ((socket.addr as Deno.Addr).transport === "unix") Deno.removeSync(name);
  } catch {
    // It is already closed or removed.
  }
}
