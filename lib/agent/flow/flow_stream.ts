import { type FlowMessage, parseMessage } from "../../protocol/messages.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import type { WebSocketConnection } from "../../wire/websocket/websocket.ts";
import { websocketStream } from "../../wire/websocket/stream.ts";
import { FlowWindow } from "./flow_window.ts";

/**
 * A paired data connection as a stream that is written no faster than the client takes it, by the
 * server's reports.
 */
export function flowStream(connection: WebSocketConnection): ByteStream {
  return new FlowStream(connection);
}

/** What may be on its way on a connection, by the server's reports among what it receives. */
export function reportedWindow(connection: WebSocketConnection): FlowWindow {
  const window = new FlowWindow();
  // Not in its turn: the client's bytes before it may wait until ours are gone.
  connection.onText = (text) => {
    if (!text.includes('"flow"')) return false;
    try {
      window.report(parseMessage<FlowMessage>(text, "flow"));
      return true;
    } catch {
      // The stream says what it thinks of what is no report.
      return false;
    }
  };
  void connection.closed.then(() => window.end());
  return window;
}

class FlowStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #stream: ByteStream;
  readonly #window: FlowWindow;

  constructor(connection: WebSocketConnection) {
    this.#window = reportedWindow(connection);
    this.#stream = websocketStream(connection);
    this.closed = this.#stream.closed;
  }

  read(): Promise<Uint8Array | null> {
    return this.#stream.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + await this.#window.room());
      this.#window.sent(piece.length);
      await this.#stream.write(piece);
      at += piece.length;
    }
  }

  end(): Promise<void> {
    return this.#stream.end();
  }

  close(error?: Error): void {
    this.#window.end();
    this.#stream.close(error);
  }
}
