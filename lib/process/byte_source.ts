import type { ByteSource } from "./process.ts";

/** A source that can be given up. */
export interface ClosableSource extends ByteSource {
  /** From here on `read()` gives null, also one that waits. */
  close(): void;
}

/** The bytes of a stream; one that breaks ends. */
export function byteSource(stream: ReadableStream<Uint8Array>): ClosableSource {
  const reader = stream.getReader();
  return {
    async read() {
      try {
        return (await reader.read()).value ?? null;
      } catch {
        return null;
      }
    },
    close() {
      reader.cancel().catch(() => {});
    },
  };
}
