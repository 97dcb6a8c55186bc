/** The server's end of the connections at `/client/ID`. */
import { CloseCode } from "../../protocol/messages.ts";
import { CLOSING, type PeerData, type PeerRole, type PeerSocket } from "./peer_socket.ts";
import type { DataConnection } from "./data_connection.ts";
import { Relay, type RelayOptions } from "./relay.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import type { Client, Pairing } from "../rendezvous/types.ts";

/** How many bytes a client may send before it is paired; ssh sends about 2,000. */
const MAX_EARLY_BYTES = 65_536;
/** In how many messages. */
const MAX_EARLY_MESSAGES = 256;

/** A client until it is paired; it may send before that. */
export class ClientConnection implements Client, PeerRole {
  readonly #socket: PeerSocket;
  readonly #leave: (client: ClientConnection) => void;
  readonly #early: PeerData[] = [];
  #earlyBytes = 0;

  /** @param leave called if it closes before it is paired */
  constructor(socket: PeerSocket, leave: (client: ClientConnection) => void) {
    this.#socket = socket;
    this.#leave = leave;
  }

  get address(): string {
    return this.#socket.address;
  }

  message(data: PeerData): void {
    this.#earlyBytes += typeof data === "string" ? data.length : data.byteLength;
    if (this.#earlyBytes > MAX_EARLY_BYTES || this.#early.length >= MAX_EARLY_MESSAGES) {
      this.#leave(this);
      this.#socket.handTo(CLOSING);
      this.close(CloseCode.policyViolation, "too much data before the agent connected");
    } else {
      this.#early.push(data);
    }
  }

  closed(): void {
    this.#leave(this);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Starts to copy between client and agent, beginning with what the client sent early. */
  relay(data: DataConnection, pairing: Pairing, options: RelayOptions): Relay {
    const { key, contestedAt } = pairing;
    const resumable = data.resumable && this.#socket.resumable;
    const client = { key, address: this.address };
    const agent = data.take({ client, contestedAt, resumable: resumable || undefined });
    const { flow } = data;
    return new Relay(agent, this.#socket, this.#early.splice(0), { ...options, flow, resumable });
  }

  /** Starts to copy to and from the node that has the agent, which does all else. */
  relayTo(node: PeerSocket, options: RelayOptions): Relay {
    const resumable = node.resumable && this.#socket.resumable;
    const early = this.#early.splice(0);
    return new Relay(node, this.#socket, early, { ...options, flow: "bytes", resumable });
  }

  /** Whether its program can go on with its stream on another connection. */
  get resumable(): boolean {
    return this.#socket.resumable;
  }
}

/**
 * Serves a client that was admitted in this same turn.
 *
 * @param waitMs how long it waits for an agent that is not connected, in milliseconds
 */
export function serveClient(
  socket: PeerSocket,
  id: string,
  waitMs: number,
  rendezvous: Rendezvous<DataConnection, ClientConnection>,
): void {
  const client = new ClientConnection(socket, (client) => rendezvous.leave(id, client));
  socket.handTo(client);
  rendezvous.join(id, client, waitMs);
}
