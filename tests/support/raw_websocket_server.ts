/**
 * A server that upgrades to a websocket and then sends and reads what a test says, byte by byte.
 */
import { writeAll } from "../../lib/wire/raw_connection.ts";

export interface RawFrame {
  opcode: number;
  payload: Uint8Array;
  /** @default true */
  final?: boolean;
  /** The three reserved bits, as a number. @default 0 */
  reserved?: number;
  /** As a client's frames are. @default false */
  masked?: boolean;
}

/** The bytes of a frame, allowed or not. */
export function encodeRawFrame(frame: RawFrame): Uint8Array {
  const { opcode, payload, final = true, reserved = 0, masked = false } = frame;
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + extended + (masked ? 4 : 0);
  const bytes = new Uint8Array(start + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (final ? 0x80 : 0) | reserved << 4 | opcode;
  bytes[1] = (masked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(payload, start);
  if (masked) {
    const mask = crypto.getRandomValues(bytes.subarray(start - 4, start));
    for (let i = 0; i < length; i++) bytes[start + i]! ^= mask[i & 3]!;
  }
  return bytes;
}

/** One frame as a server sends it. */
export function serverFrame(
  opcode: number,
  payload: Uint8Array | string,
  final = true,
): Uint8Array {
  const body = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return encodeRawFrame({ opcode, payload: body, final });
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

/**
 * Answers an upgrade.
 *
 * @param behind bytes that leave with the answer
 * @returns the head of the request
 */
export async function upgrade(conn: Deno.Conn, ...behind: Uint8Array[]): Promise<string> {
  const head = await readHead(conn);
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)![1]!;
  const digest = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
  );
  const accept = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  const text = [...lines, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n");
  const bytes = [new TextEncoder().encode(text), ...behind];
  await writeAll(conn, new Uint8Array(await new Blob(bytes as BlobPart[]).arrayBuffer()));
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
