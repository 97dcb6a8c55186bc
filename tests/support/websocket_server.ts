/** A plain websocket server that knows nothing of Converge, for tests of clients. */

/** What happens to one connection. */
export type Behaviour = (socket: WebSocket, request: Pick<Request, "url" | "headers">) => void;

export interface WebSocketServerOptions {
  /** By path; a path that is not there answers 404 with a reason in plain text. */
  paths: Record<string, Behaviour>;
  /** Which of the offered subprotocols is picked. @default none */
  protocol?: string;
  /** PEM. */
  tls?: { cert: string; key: string };
}

/** A running server. */
export interface WebSocketServer extends AsyncDisposable {
  /** For instance `ws://127.0.0.1:1234`. */
  readonly url: string;
  readonly port: number;
}

/** Starts a server on a free port of 127.0.0.1; its sockets give ArrayBuffers. */
export function startWebSocketServer(options: WebSocketServerOptions): WebSocketServer {
  const sockets = new Set<WebSocket>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    ...options.tls,
  }, (request) => {
    const behave = options.paths[new URL(request.url).pathname];
    if (behave === undefined) {
      return new Response("there is nothing here\nnor here\n", { status: 404 });
    }
    // After the upgrade it cannot be read.
    const asked = { url: request.url, headers: new Headers(request.headers) };
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: options.protocol });
    socket.binaryType = "arraybuffer";
    sockets.add(socket);
    socket.addEventListener("close", () => sockets.delete(socket));
    behave(socket, asked);
    return response;
  });
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `${options.tls ? "wss" : "ws"}://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      await server.shutdown();
    },
  };
}

/** Sends back what comes. */
export const echo: Behaviour = (socket) => {
  socket.onmessage = ({ data }) => socket.send(data);
};

/** Sends `length` bytes that count up, never more than 1 MiB ahead, then calls `done`. */
export function send(length: number, done: (socket: WebSocket) => void): Behaviour {
  return (socket) => {
    const chunk = Uint8Array.from({ length: 32_768 }, (_, i) => i);
    let sent = 0;
    const pump = () => {
      while (sent < length && socket.bufferedAmount < 1024 * 1024) {
        const part = chunk.subarray(0, Math.min(chunk.length, length - sent));
        socket.send(part);
        sent += part.length;
      }
      if (socket.readyState !== WebSocket.OPEN) return;
      if (sent < length) setTimeout(pump, 1);
      else done(socket);
    };
    socket.onopen = pump;
  };
}
