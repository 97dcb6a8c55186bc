/** What one message carries: text, or bytes; a view is good until the one who gets it returns. */
export type SocketData = string | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** What the server uses of a native websocket; an SSH channel can take its place. */
export interface MessageSocket extends
  Pick<
    WebSocket,
    "binaryType" | "bufferedAmount" | "close" | "onopen" | "onmessage" | "onclose"
  > {
  readonly readyState: number;
  readonly CONNECTING: number;
  readonly OPEN: number;
  /** Uses the bytes of a view before it returns. */
  send(data: SocketData): void;
}
