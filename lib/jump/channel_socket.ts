import { EOF_FRAME } from "../protocol/messages.ts";
import { errorMessage } from "../text/error_message.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { SocketData } from "../wire/message_socket.ts";
import { StandInSocket } from "../wire/stand_in_socket.ts";

/** The close codes of a websocket (RFC 6455, section 7.4.1) that a channel can end with. */
const NORMAL = 1000;
const ABNORMAL = 1006;

/**
 * An SSH channel as a websocket that speaks the half-close subprotocol, so that the server relays
 * both in the same way. No event comes in the turn in which it is made.
 */
export class ChannelSocket extends StandInSocket {
  readonly #channel: ByteStream;
  #sent: Promise<void> = Promise.resolve();
  readonly #ended = Promise.withResolvers<void>();

  constructor(channel: ByteStream) {
    super();
    this.#channel = channel;
    void this.#read();
    channel.closed.then((error) => {
      this.#close(error === undefined ? NORMAL : ABNORMAL, error ? errorMessage(error) : "");
    });
  }

  /** Resolves when it is closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(data: SocketData): void {
    if (typeof data === "string") {
      // The only text that a client gets: the agent's end of file.
      this.#queue(() => this.#channel.end());
      return;
    }
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data.slice();
    this.bufferedAmount += bytes.length;
    this.#queue(async () => {
      await this.#channel.write(bytes);
      this.bufferedAmount -= bytes.length;
    });
  }

  /** Closes the channel once all is sent. */
  close(code = NORMAL, reason = ""): void {
    if (code !== NORMAL) return this.#close(code, reason);
    this.#queue(() => Promise.resolve(this.#close(code, reason)));
  }

  #queue(work: () => Promise<void>): void {
    this.#sent = this.#sent.then(work).catch(() => {
      // The channel is closed, which says the rest.
    });
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#channel.read();
        this.receive(bytes === null ? EOF_FRAME : new Uint8Array(bytes).buffer);
        if (bytes === null || this.readyState !== this.OPEN) return;
      }
    } catch {
      // The channel is closed, which says the rest.
    }
  }

  #close(code: number, reason: string): void {
    this.#channel.close();
    this.end(code, reason);
    this.#ended.resolve();
  }
}
