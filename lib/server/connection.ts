import type { WebSocket } from "ws";
import type { Closable } from "./rendezvous_types.ts";

/**
 * What a message costs beside its bytes, about: many tiny ones must not fill the memory while their
 * bytes alone look harmless.
 */
const MESSAGE_COST = 1_024;

/** The longest reason that fits into a close frame, in bytes (RFC 6455, section 5.5). */
const MAX_REASON = 123;

/**
 * One websocket of an agent or a client.
 *
 * What comes in goes to {@link Connection.onMessage} and {@link Connection.onClose}, which are set
 * anew when the connection changes its role. Invariant: `onClose` is called once, last.
 */
export class Connection implements Closable {
  onMessage: (data: Uint8Array, binary: boolean) => void = () => {};
  onClose: (code: number, reason: string) => void = () => {};
  /** Whether anything came in, or anything was taken by the peer, since it was set to false. */
  alive = true;
  readonly #socket: WebSocket;
  #behind = 0;
  #endWhenSent = false;
  #fault?: string;
  readonly #closed = Promise.withResolvers<void>();

  /** @param address where it comes from, as far as the server knows */
  constructor(socket: WebSocket, readonly address: string) {
    this.#socket = socket;
    socket.on("message", (data, binary) => {
      this.alive = true;
      this.onMessage(data as Uint8Array, binary);
    });
    socket.on("ping", () => this.alive = true);
    socket.on("pong", () => this.alive = true);
    // A close event follows.
    socket.on("error", (error) => this.#fault = error.message);
    socket.on("close", (code, reason) => {
      this.onClose(code, this.#fault ?? reason.toString());
      this.#closed.resolve();
    });
  }

  /** The subprotocol that was agreed on, or empty. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Resolves when it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** About how many bytes of memory wait for the peer to take them. */
  get behind(): number {
    return this.#behind;
  }

  /** Sends a text frame for a string, else a binary one. */
  send(data: string | Uint8Array): void {
    const cost = data.length + MESSAGE_COST;
    this.#behind += cost;
    this.#socket.send(data, (error) => {
      this.#behind -= cost;
      if (error) return;
      this.alive = true;
      if (this.#endWhenSent && this.#behind === 0) this.close(1000, "");
    });
  }

  /** Closes cleanly once the peer has taken all that was sent. */
  end(): void {
    this.#endWhenSent = true;
    if (this.#behind === 0) this.close(1000, "");
  }

  /** Closes now; what the peer has not taken may be lost. */
  close(code: number, reason: string): void {
    const bytes = new TextEncoder().encode(reason);
    this.#socket.close(code, bytes.length <= MAX_REASON ? reason : `${reason.slice(0, 38)}…`);
  }

  ping(): void {
    if (this.open) this.#socket.ping();
  }

  /** Drops the connection, and what waits for its peer, without another word. */
  terminate(): void {
    this.#socket.terminate();
  }
}
