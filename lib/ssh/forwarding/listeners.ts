import { dirname, join } from "node:path";
import { errorMessage } from "../../text/error_message.ts";
import { accepted } from "../../wire/accept.ts";
import { pipe } from "../../wire/pipe.ts";
import { tcpStream } from "../../wire/tcp_stream.ts";
import { Refused, type SshConnection } from "../connection/handler.ts";

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
 * The listeners that one client has asked for, by a name each; a unix socket's is its path. They go with
 * the client, or before when it removes them; connections that they have accepted live on.
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
   * @throws {Refused} if there is none of that name
   */
  async remove(name: string): Promise<void> {
    const listener = this.#byName.get(name);
    if (!listener) throw new Refused(`there is no listener on "${name}"`);
    this.#byName.delete(name);
    for (const socket of listener.sockets) close(name, socket);
    // Until then the system goes on accepting, though nobody takes it.
    await listener.accepting;
  }

  async #accept(
    name: string,
    socket: Deno.Listener,
    opening: (accepted: Accepted) => ChannelOpening,
  ): Promise<void> {
    const onError = (error: unknown) =>
      this.#connection.log.warn("listener cannot accept", { name, why: errorMessage(error) });
    for await (const connection of accepted(socket, { onError })) {
      this.#connection.track(this.#bring(connection, opening(connection)));
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
  let directory: string | undefined;
  try {
    if (exists(path)) throw new Error("there is a file of that name");
    // Where nobody else can connect, until the socket itself keeps others out. A umask would do it
    // in one step, but it also changes what other threads create meanwhile.
    directory = Deno.makeTempDirSync({ dir: dirname(path), prefix: "." });
    const bound = join(directory, "s");
    const listener = Deno.listen({ transport: "unix", path: bound });
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

/** Closes a listener, and removes its file if it is a unix socket's. */
function close(name: string, socket: Deno.Listener): void {
  try {
    socket.close();
    if ((socket.addr as Deno.Addr).transport === "unix") Deno.removeSync(name);
  } catch {
    // It is gone already.
  }
}
