import { EOF_FRAME } from "../protocol/messages.ts";
import { errorMessage } from "../text/error_message.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { MessageSocket } from "../wire/message_socket.ts";

/** The close codes of a websocket (RFC 6455, section 7.4.1) that a channel can end with. */
const NORMAL = 1000;
const ABNORMAL = 1006;

/**
 * An SSH channel as a websocket that speaks the half-close subprotocol, so that the server relays
 * both in the same way. No event comes in the turn in which it is made.
 */
export class ChannelSocket implements MessageSocket {
  /** It is open from the start. */
  onopen = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  binaryType: BinaryType = "arraybuffer";
  /** How many bytes the client has not taken yet. */
  bufferedAmount = 0;
  readonly #channel: ByteStream;
  #sent: Promise<void> = Promise.resolve();
  #closed?: { code: number; reason: string };
  readonly #ended = Promise.withResolvers<void>();

  constructor(channel: ByteStream) {
    this.#channel = channel;
    void this.#read();
    channel.closed.then((error) => {
      this.#close(error === undefined ? NORMAL : ABNORMAL, error ? errorMessage(error) : "");
    });
  }

  get readyState(): number {
    return this.#closed === undefined ? WebSocket.OPEN : WebSocket.CLOSED;
  }

  /** Resolves when it is closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      // The only text that a client gets: the agent's end of file.
      this.#queue(() => this.#channel.end());
      return;
    }
    this.bufferedAmount += data.byteLength;
    this.#queue(async () => {
      await this.#channel.write(new Uint8Array(data));
      this.bufferedAmount -= data.byteLength;
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
        if (this.#closed) return;
        const data = bytes === null ? EOF_FRAME : new Uint8Array(bytes).buffer;
        this.onmessage?.(new MessageEvent("message", { data }));
        if (bytes === null) return;
      }
    } catch {
      // The channel is closed, which says the rest.
    }
  }

  #close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = { code, reason };
    this.#channel.close();
    const wasClean = code !== ABNORMAL;
    this.onclose?.(new CloseEvent("close", { code, reason, wasClean }));
    this.#ended.resolve();
  }
}
