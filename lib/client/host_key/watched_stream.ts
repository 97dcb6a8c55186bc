import type { ByteStream } from "../../wire/byte_stream.ts";
import { HostKeyFinder } from "./host_key_finder.ts";

/**
 * The same stream; calls `onHostKey` with the SSH server's key before its last byte is passed on.
 */
export function watchedStream(
  stream: ByteStream,
  onHostKey: (key: Uint8Array) => Promise<void>,
): ByteStream {
  const finder = new HostKeyFinder();
  return {
    async read() {
      const bytes = await stream.read();
      const key = bytes === null ? undefined : finder.take(bytes);
      if (key !== undefined) await onHostKey(key);
      return bytes;
    },
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    close: (error) => stream.close(error),
    closed: stream.closed,
  };
}
