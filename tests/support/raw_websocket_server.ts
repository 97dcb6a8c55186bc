/** A server that upgrades to a websocket and then sends and reads what a test says, byte by byte. */
import { writeAll } from "../../lib/wire/raw_connection.ts";

/** One frame as a server sends it. */
export function serverFrame(
  opcode: number,
  payload: Uint8Array | string,
  final = true,
): Uint8Array {
  const body = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const header = body.length < 126 ? [body.length] : body.length < 65_536 ? [126] : [127];
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(body.length));
  const size = new Uint8Array(length.buffer);
  if (header[0] === 126) header.push(...size.subarray(6));
  if (header[0] === 127) header.push(...size);
  return Uint8Array.from([(final ? 0x80 : 0) | opcode, ...header, ...body]);
}

/** The head of an HTTP message, as text. */
async function readHead(conn: Deno.Conn): Promise<string> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    if (await conn.read(byte) === null) throw new Error(`only ${head} came`);
    head += String.fromCharCode(byte[0]!);
  }
  return head;
}

/** Answers an upgrade. @returns the head of the request */
export async function upgrade(conn: Deno.Conn): Promise<string> {
  const head = await readHead(conn);
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)![1]!;
  const digest = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
  );
  const accept = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  const text = [...lines, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n");
  await writeAll(conn, new TextEncoder().encode(text));
  return head;
}

/** A server at a free port; leaving its scope ends it and all its connections. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly url: URL;
}

/** Starts a server that gives each connection to `behave`, and closes it when that has ended. */
export function startRawServer(behave: (conn: Deno.TcpConn) => Promise<void>): RawServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const running: Promise<void>[] = [];
  const serve = async (conn: Deno.TcpConn) => {
    open.add(conn);
    try {
      await behave(conn);
    } catch {
      // The test looks at the client's end.
    }
    open.delete(conn);
    try {
      conn.close();
    } catch {
      // It is closed already.
    }
  };
  const accepting = (async () => {
    for await (const conn of listener) running.push(serve(conn));
  })();
  const { port } = listener.addr;
  return {
    port,
    url: new URL(`ws://127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) conn.close();
      await accepting;
      await Promise.all(running);
    },
  };
}
