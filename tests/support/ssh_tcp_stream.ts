import type { ByteStream } from "../../lib/wire/byte_stream.ts";

/** A TCP connection as a byte stream. */
export function tcpByteStream(connection: Deno.TcpConn): ByteStream {
  const reader = connection.readable.getReader();
  const writer = connection.writable.getWriter();
  connection.setNoDelay(true);
  let finish!: (error: Error | undefined) => void;
  const closed = new Promise<Error | undefined>((resolve) => finish = resolve);
  let open = 2;
  const half = (error?: Error) => {
    if (error || --open === 0) finish(error);
  };
  reader.closed.then(() => half(), half);
  writer.closed.then(() => half(), half);
  return {
    closed,
    async read() {
      return (await reader.read()).value ?? null;
    },
    write: (bytes) => writer.write(bytes as Uint8Array<ArrayBuffer>),
    end: () => writer.close(),
    close() {
      reader.cancel().catch(() => {});
      writer.abort().catch(() => {});
      finish(undefined);
    },
  };
}
