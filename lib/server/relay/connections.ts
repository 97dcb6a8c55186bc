import { within } from "../../wire/delay.ts";
import type { MessageSocket } from "../../wire/message_socket.ts";
import { Backlog } from "./backlog.ts";
import { PeerSocket, type PeerSocketOptions } from "./peer_socket.ts";

/** All open websockets of a server, and how much waits to be taken by their peers. */
export class Connections {
  readonly backlog: Backlog;
  readonly #open = new Set<PeerSocket>();

  /** @param maxBacklog how many bytes may wait for all peers together */
  constructor(maxBacklog: number) {
    this.backlog = new Backlog(maxBacklog);
  }

  get size(): number {
    return this.#open.size;
  }

  /** Keeps a websocket until it is closed. */
  add(socket: MessageSocket, options: Omit<PeerSocketOptions, "backlog">): PeerSocket {
    const connection = new PeerSocket(socket, { ...options, backlog: this.backlog });
    this.#open.add(connection);
    connection.closed.then(() => this.#open.delete(connection));
    return connection;
  }

  /** Subtracts from the backlog what peers have taken since. */
  settle(): void {
    if (this.backlog.bytes === 0) return;
    for (const connection of this.#open) connection.settle();
  }

  /** Closes all; peers have `patience` milliseconds to answer. */
  async close(code: number, reason: string, patience: number): Promise<void> {
    for (const connection of this.#open) connection.close(code, reason);
    await within(patience, Promise.all(Array.from(this.#open, ({ closed }) => closed)));
  }
}
