import type { StreamLink } from "../../wire/resume/stream_link.ts";
import type { WebSocketConnection } from "../../wire/websocket/websocket.ts";
import { reportedWindow } from "./flow_stream.ts";

/**
 * A paired data connection as a connection of a resumable stream, which is given bytes no faster
 * than the client takes them, by the server's reports.
 */
export function flowLink(connection: WebSocketConnection): StreamLink {
  const window = reportedWindow(connection);
  return {
    room: () => window.room(),
    send(message) {
      if (typeof message !== "string") window.sent(message.length);
      return connection.send(message);
    },
    receive: () => connection.receive(),
    deliverTo: (sink) => connection.deliverTo(sink),
    close(code, reason) {
      window.end();
      connection.close(code, reason);
    },
  };
}
