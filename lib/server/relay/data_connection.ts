import { CloseCode, type PairedMessage, type ParkMessage } from "../../protocol/messages.ts";
import type { PeerRole, PeerSocket } from "./peer_socket.ts";
import type { Closable } from "../rendezvous/types.ts";

/** An agent's data connection, parked until it is {@link DataConnection.take taken}. */
export class DataConnection implements Closable, PeerRole {
  readonly #socket: PeerSocket;
  readonly #leave: (data: DataConnection) => void;
  /** Whether the agent wants to be told how far the client is. */
  readonly flow: boolean;
  /** Whether the agent can go on with a stream on another connection. */
  readonly resumable: boolean;

  /** @param leave called if it closes while it is parked */
  constructor(
    socket: PeerSocket,
    { flow = false, resumable = false }: Pick<ParkMessage, "flow" | "resumable">,
    leave: (data: DataConnection) => void,
  ) {
    this.#socket = socket;
    this.flow = flow;
    this.resumable = resumable;
    this.#leave = leave;
  }

  message(): void {
    this.close(CloseCode.policyViolation, "unexpected message on a parked connection");
  }

  closed(): void {
    this.#leave(this);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Tells the agent that a client is there; its next owner copies that client's bytes. */
  take(pairing: Omit<PairedMessage, "type" | "flow">): PeerSocket {
    const message: PairedMessage = { type: "paired", ...pairing, flow: this.flow || undefined };
    this.#socket.send(JSON.stringify(message));
    return this.#socket;
  }
}
