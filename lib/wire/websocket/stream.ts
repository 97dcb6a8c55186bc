import type { ByteStream } from "../byte_stream.ts";
import {
  CloseCode,
  EOF_FRAME,
  HALF_CLOSE_SUBPROTOCOL,
  RESUME_SUBPROTOCOL,
} from "../../protocol/messages.ts";
import type { WebSocketConnection } from "./connection.ts";

/**
 * The largest binary frame that is sent, in bytes: what SSH writes at once fits in. Each frame costs
 * the server as much as many of its bytes.
 */
const MAX_FRAME_LENGTH = 264 * 1024;

/**
 * A websocket as a stream of bytes: binary frames are the bytes, however they were cut.
 *
 * - Under {@link HALF_CLOSE_SUBPROTOCOL}, or with an agent that knows no more than that, the text frame {@link EOF_FRAME} ends one direction, and
 *   once both have ended the connection is closed.
 * - Otherwise `end()` closes with 1000 once all is sent, and what still arrives can be read.
 * - A clean close by the peer ends both directions: what is written after it is dropped.
 * - Any other text frame breaks the stream.
 */
export function websocketStream(connection: WebSocketConnection): ByteStream {
  return new WebSocketByteStream(connection);
}

class WebSocketByteStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #connection: WebSocketConnection;
  readonly #halfClose: boolean;
  #readEnded = false;
  #writeEnded = false;
  #error: Error | undefined;

  constructor(connection: WebSocketConnection) {
    this.#connection = connection;
    connection.receiveParts();
    this.#halfClose = [HALF_CLOSE_SUBPROTOCOL, RESUME_SUBPROTOCOL].includes(connection.protocol);
    this.closed = connection.closed.then((error) => this.#error ?? error);
  }

  async read(): Promise<Uint8Array | null> {
    while (!this.#readEnded) {
      const message = await this.#connection.receive();
      if (message === null) {
        this.#readEnded = true;
      } else if (typeof message !== "string") {
        // An empty message is not an end of file.
        if (message.length > 0) return message;
      } else if (this.#halfClose && message === EOF_FRAME) {
        this.#readEnded = true;
        if (this.#writeEnded) this.#connection.close();
      } else {
        this.#error = new Error("the server sent a text message, expected binary ones");
        this.#connection.close(CloseCode.unsupportedData, "expected binary frames");
        throw this.#error;
      }
    }
    return null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writeEnded) throw new Error("cannot write after the end");
    for (let at = 0; at < bytes.length; at += MAX_FRAME_LENGTH) {
      await this.#unlessClosed(this.#connection.send(bytes.subarray(at, at + MAX_FRAME_LENGTH)));
    }
  }

  async end(): Promise<void> {
    if (this.#writeEnded) return;
    this.#writeEnded = true;
    if (!this.#halfClose) return await this.#unlessClosed(this.#connection.end());
    await this.#unlessClosed(this.#connection.send(EOF_FRAME));
    if (this.#readEnded) this.#connection.close();
  }

  close(error?: Error): void {
    if (error === undefined) return this.#connection.close();
    this.#error ??= error;
    this.#connection.close(CloseCode.peerLost, error.message);
  }

  /** Waits for the sending of something, which a peer that closed cleanly does not want. */
  async #unlessClosed(sending: Promise<void>): Promise<void> {
    try {
      await sending;
    } catch (error) {
      if (!this.#connection.peerClosed) throw error;
    }
  }
}
