/** A connection as the platform gives it; `Deno.Conn` is one. */
export interface RawConnection {
  /** Fills a part of `buffer`; resolves to how many bytes, null at end of file. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes`; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; pending reads and writes reject. */
  close(): void;
}

/** Writes all of `bytes`. */
export async function writeAll(connection: RawConnection, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await connection.write(bytes.subarray(written));
}
