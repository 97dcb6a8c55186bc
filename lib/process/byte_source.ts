import type { ByteSource } from "./process.ts";

/** A source that can be given up. */
export interface ClosableSource extends ByteSource {
  /** From here on `read()` gives null, also one that waits. */
  close(): void;
}

/** What a pipe holds on Linux, in bytes. */
const BUFFER = 65_536;

/** The bytes of a child's stream, read into the same memory over and over; one that breaks ends. */
export function byteSource(stream: ReadableStream<Uint8Array>): ClosableSource {
  const reader = stream.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(BUFFER);
  return {
    async read() {
      try {
        const { value, done } = await reader.read(new Uint8Array(buffer));
        if (value) ({ buffer } = value);
        return done ? null : value;
      } catch {
        return null;
      }
    },
    close() {
      reader.cancel().catch(() => {});
    },
  };
}
