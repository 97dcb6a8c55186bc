import type { MessageSocket, SocketData } from "./message_socket.ts";

/** The close code of a connection that ended without a close frame (RFC 6455, section 7.4.1). */
const ABNORMAL = 1006;

/** What carries messages in the place of a native websocket, with the latter's fields. */
export abstract class StandInSocket implements MessageSocket {
  /** It is open from the start. */
  onopen = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  binaryType: BinaryType = "arraybuffer";
  /** How many bytes the peer has not taken yet. */
  bufferedAmount = 0;
  #closed = false;

  get readyState(): number {
    return this.#closed ? WebSocket.CLOSED : WebSocket.OPEN;
  }

  abstract send(data: SocketData): void;

  abstract close(code?: number, reason?: string): void;

  /** Gives out what has come; nothing after the end. */
  protected receive(data: SocketData): void {
    if (!this.#closed) this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** Says how it ended; the first end counts. */
  protected end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const wasClean = code !== ABNORMAL;
    this.onclose?.(new CloseEvent("close", { code, reason, wasClean }));
  }
}
