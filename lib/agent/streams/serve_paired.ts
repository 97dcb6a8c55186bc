import type { PairedMessage, RegisteredMessage } from "../../protocol/messages.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import { RESUMABLE_PING_MS, type StreamLink } from "../../wire/resume/stream_link.ts";
import type { WebSocketConnection } from "../../wire/websocket/websocket.ts";
import { websocketStream } from "../../wire/websocket/stream.ts";
import { flowLink } from "../flow/flow_link.ts";
import { flowStream } from "../flow/flow_stream.ts";

/** The client that came through the server. */
export type PairedClient = PairedMessage["client"] & Pick<PairedMessage, "contestedAt">;

/** Who serves clients. */
export interface ClientHandlers {
  /**
   * Serves one client, which came through this registration, and closes the stream. Must not
   * reject.
   */
  onClient: (
    stream: ByteStream,
    client: PairedClient,
    registration: RegisteredMessage,
  ) => Promise<void>;
  /**
   * Serves a client whose stream can go on on another connection, or goes on on this one; closes the
   * connection. Must not reject. Missing: such clients are served like the others.
   */
  onResumable?: (
    link: StreamLink,
    client: PairedClient,
    registration: RegisteredMessage,
  ) => Promise<void>;
}

/** Serves the client at the other end of a data connection that was paired. */
export function servePaired(
  connection: WebSocketConnection,
  { client, contestedAt, flow, resumable }: PairedMessage,
  registration: RegisteredMessage,
  { onClient, onResumable }: ClientHandlers,
): Promise<void> {
  const from = { ...client, contestedAt };
  if (!resumable || !onResumable) {
    const stream = flow ? flowStream(connection) : websocketStream(connection);
    return onClient(stream, from, registration);
  }
  connection.pingEvery(RESUMABLE_PING_MS);
  connection.receiveParts();
  return onResumable(flow ? flowLink(connection) : connection, from, registration);
}
