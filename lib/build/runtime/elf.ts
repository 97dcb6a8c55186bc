/**
 * Takes what `deno compile` added out of a Linux executable: the payload stands at the end of the
 * file, starts with a magic word, and its last 8 bytes are its length.
 *
 * @module
 */
import { PAYLOAD_MAGIC } from "./payload.ts";

/**
 * Where the payload at the end of an ELF executable starts, in bytes, or undefined without one:
 * newer versions of Deno put it into a segment.
 *
 * @throws {Error} if it is another kind of file
 */
export function payloadStart(file: Uint8Array<ArrayBuffer>): number | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46) {
    throw new Error("not an ELF executable");
  }
  const start = file.length - Number(view.getBigUint64(file.length - 8, true));
  const found = start >= 64 && PAYLOAD_MAGIC.every((byte, i) => file[start + i] === byte);
  return found ? start : undefined;
}

/**
 * The runtime inside an ELF executable.
 *
 * @returns a view of `file`
 * @throws {Error} if there is no payload where it should be
 */
export function elfRuntime(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = payloadStart(file);
  if (start === undefined) throw new Error("no payload of deno compile at its end");
  return file.subarray(0, start);
}
