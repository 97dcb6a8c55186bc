import type { ByteStream } from "./byte_stream.ts";
import { writeAll } from "./raw_connection.ts";
import { ReadBuffer } from "./read_buffer.ts";

/**
 * A TCP connection, or any other `Deno.Conn`, as a stream of bytes; small writes go out at once.
 */
export function tcpStream(conn: Deno.Conn): ByteStream {
  return new TcpByteStream(conn);
}

class TcpByteStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #conn: Deno.Conn;
  readonly #buffer: ReadBuffer;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #readEnded = false;
  #writeEnded = false;
  #gone = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#buffer = new ReadBuffer(conn);
    this.closed = this.#closed.promise;
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#readEnded || this.#gone) return null;
    let bytes: Uint8Array | null;
    try {
      bytes = await this.#buffer.read();
    } catch (error) {
      if (this.#gone) return null;
      throw this.#fail(error);
    }
    if (bytes !== null) return bytes;
    this.#buffer.free();
    this.#readEnded = true;
    if (this.#writeEnded) this.close();
    return null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writeEnded || this.#gone) throw new Error("the connection is closed");
    try {
      await writeAll(this.#conn, bytes);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async end(): Promise<void> {
    if (this.#writeEnded || this.#gone) return;
    this.#writeEnded = true;
    try {
      await this.#conn.closeWrite();
    } catch {
      // The peer is gone and waits for nothing.
    }
    if (this.#readEnded) this.close();
  }

  close(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    try {
      this.#conn.close();
    } catch {
      // It is closed already.
    }
    this.#closed.resolve(error);
  }

  #fail(cause: unknown): Error {
    const why = cause instanceof Error ? cause.message : String(cause);
    const error = new Error(`the connection was lost: ${why}`, { cause });
    this.close(error);
    return error;
  }
}
