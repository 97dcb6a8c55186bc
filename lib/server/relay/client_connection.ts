/** The server's end of the connections at `/client/ID`. */
import { CloseCode } from "../../protocol/messages.ts";
import type { PeerSocket } from "./peer_socket.ts";
import type { DataConnection } from "./data_connection.ts";
import { Relay, type RelayOptions } from "./relay.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import type { Client } from "../rendezvous/types.ts";

/** How many bytes a client may send before the agent is there: ssh sends about two thousand. */
const MAX_EARLY_BYTES = 65_536;
/** In how many frames. */
const MAX_EARLY_FRAMES = 256;

/** A client; it may send before it is paired. */
export class ClientConnection implements Client {
  readonly #connection: PeerSocket;
  readonly #early: (string | ArrayBuffer)[] = [];
  #earlyBytes = 0;

  constructor(connection: PeerSocket) {
    this.#connection = connection;
    connection.onMessage = (data) => {
      this.#earlyBytes += typeof data === "string" ? data.length : data.byteLength;
      if (this.#earlyBytes > MAX_EARLY_BYTES || this.#early.length >= MAX_EARLY_FRAMES) {
        this.close(CloseCode.policyViolation, "too much was sent before the agent came");
        connection.onMessage = () => {};
      } else {
        this.#early.push(data);
      }
    };
  }

  get address(): string {
    return this.#connection.address;
  }

  close(code: number, reason: string): void {
    this.#connection.close(code, reason);
  }

  /** Starts to copy between the client and the agent, beginning with what came early. */
  relay(data: DataConnection, key: number, options: RelayOptions): Relay {
    const relay = new Relay(data.take({ key, address: this.address }), this.#connection, options);
    for (const message of this.#early.splice(0)) this.#connection.onMessage(message);
    return relay;
  }
}

/**
 * Serves a client that was admitted in this same turn.
 *
 * @param waitMs how long it waits for an agent that is not there, in milliseconds
 */
export function serveClient(
  connection: PeerSocket,
  id: string,
  waitMs: number,
  rendezvous: Rendezvous<DataConnection, ClientConnection>,
): void {
  const client = new ClientConnection(connection);
  connection.onClose = () => rendezvous.leave(id, client);
  rendezvous.join(id, client, waitMs);
}
