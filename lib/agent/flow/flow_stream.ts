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

class FlowStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #stream: ByteStream;
  readonly #window = new FlowWindow();

  constructor(connection: WebSocketConnection) {
    // Not in its turn: the client's bytes before it may wait until ours are gone.
    connection.onText = (text) => this.#takeReport(text);
    this.#stream = websocketStream(connection);
    this.closed = this.#stream.closed;
    void this.closed.then(() => this.#window.end());
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

  /** @returns false for what is no report; the stream says what it thinks of that */
  #takeReport(text: string): boolean {
    try {
      this.#window.report(parseMessage<FlowMessage>(text, "flow"));
      return true;
    } catch {
      return false;
    }
  }
}
