/** What the server uses of a native websocket; an SSH channel can take its place. */
export interface MessageSocket extends
  Pick<
    WebSocket,
    "binaryType" | "bufferedAmount" | "send" | "close" | "onopen" | "onmessage" | "onclose"
  > {
  readonly readyState: number;
  readonly CONNECTING: number;
  readonly OPEN: number;
}
