import type { PairedMessage } from "../../protocol/messages.ts";
import type { PeerSocket } from "./peer_socket.ts";
import type { Closable } from "../rendezvous/types.ts";

/** An agent's data connection, parked until it is {@link DataConnection.take taken}. */
export class DataConnection implements Closable {
  readonly #connection: PeerSocket;

  constructor(connection: PeerSocket) {
    this.#connection = connection;
  }

  close(code: number, reason: string): void {
    this.#connection.close(code, reason);
  }

  /** Tells the agent that a client is there; from now on the connection carries its bytes. */
  take(client: PairedMessage["client"]): PeerSocket {
    const message: PairedMessage = { type: "paired", client };
    this.#connection.send(JSON.stringify(message));
    return this.#connection;
  }
}
