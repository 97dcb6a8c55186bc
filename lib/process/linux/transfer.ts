/** Reading and writing our ends of pipes and terminals. */
import { giveBack, takeBlock } from "../../wire/blocks.ts";
import type { ByteSource } from "../process.ts";
import type { Descriptor } from "./descriptor.ts";
import { libc } from "./libc.ts";

/** How much is read at once, and what our pipes hold where the system allows it, in bytes. */
export const PIPE_BYTES = 256 * 1024;

/** Reads a pipe or a terminal, into memory that is used again; closes it at its end. */
export function descriptorSource(descriptor: Descriptor): ByteSource {
  let buffer: Uint8Array<ArrayBuffer> | undefined;
  return {
    async read() {
      // A program that prints nothing holds no memory.
      if (buffer) giveBack(buffer);
      buffer = undefined;
      for (;;) {
        // The wait comes first, so that other things get their turn between two reads.
        const readiness = await descriptor.readable();
        if (!descriptor.isOpen) return null;
        buffer ??= takeBlock(PIPE_BYTES);
        let length = 0;
        let count = 1;
        // A terminal gives 4 KiB at a time.
        for (; count > 0 && length < PIPE_BYTES; length += Math.max(count, 0)) {
          const rest = buffer.subarray(length);
          count = libc.read(descriptor.fd, rest, BigInt(rest.length));
        }
        if (length > 0) return buffer.subarray(0, length);
        if (count === 0 || readiness === "broken") descriptor.close();
      }
    },
  };
}

/** Writes all of `bytes`, or drops them once nobody reads. */
export async function writeDescriptor(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
  for (let at = 0; descriptor.isOpen;) {
    const rest = bytes.subarray(at) as Uint8Array<ArrayBuffer>;
    at += Math.max(0, libc.write(descriptor.fd, rest, BigInt(rest.length)));
    if (at === bytes.length || await descriptor.writable() === "broken") return;
  }
}
