/** A connection as the platform gives it; `Deno.Conn` is one. */
export interface RawConnection {
  /** Fills a part of `buffer`; resolves to how many bytes, null at end of file. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes`; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; pending reads and writes reject. */
  close(): void;
}

/**
 * Writes all of `bytes`, in as many pieces as `to` takes.
 *
 * @param onWritten told how many bytes each piece had
 */
export async function writeAll(
  to: Pick<RawConnection, "write">,
  bytes: Uint8Array,
  onWritten?: (count: number) => void,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const count = await to.write(bytes.subarray(at));
    at += count;
    onWritten?.(count);
  }
}
