/**
 * Takes what `deno compile` added out of a Windows executable: the payload is a resource, in a
 * section of its own that was put last. The names are those of Microsoft's "PE Format".
 *
 * @module
 */

/** Offsets from the start of the optional header (PE32+). */
const MAGIC = 0;
const SIZE_OF_IMAGE = 56;
const CHECKSUM = 64;
const RESOURCE_TABLE = 128;

const SECTION_HEADER_LENGTH = 40;
const SECTION_NAME = ".pedata";

/**
 * The runtime inside a PE executable.
 *
 * @returns a copy
 * @throws {Error} if the last section is not the payload's
 */
export function peRuntime(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 0x40 || view.getUint16(0) !== 0x4d5a) throw new Error("not a PE executable");
  const header = view.getUint32(0x3c, true);
  if (header + 24 > file.length || view.getUint32(header) !== 0x50450000) {
    throw new Error("not a PE executable");
  }
  const sections = view.getUint16(header + 6, true);
  const optional = header + 24;
  const table = optional + view.getUint16(header + 20, true);
  const last = table + SECTION_HEADER_LENGTH * (sections - 1);
  if (view.getUint16(optional + MAGIC, true) !== 0x20b || sections === 0) {
    throw new Error("not a 64-bit PE executable");
  }
  const name = new TextDecoder().decode(file.subarray(last, last + 8)).replace(/\0+$/, "");
  if (name !== SECTION_NAME) throw new Error(`no payload of deno compile: "${name}" is last`);
  const address = view.getUint32(last + 12, true);
  const offset = view.getUint32(last + 20, true);
  if (offset < last + SECTION_HEADER_LENGTH || offset > file.length) {
    throw new Error("the payload's section lies outside the file");
  }
  const runtime = file.slice(0, offset);
  const changed = new DataView(runtime.buffer);
  runtime.fill(0, last, last + SECTION_HEADER_LENGTH);
  changed.setUint16(header + 6, sections - 1, true);
  changed.setUint32(optional + SIZE_OF_IMAGE, address, true);
  changed.setUint32(optional + CHECKSUM, 0, true);
  changed.setBigUint64(optional + RESOURCE_TABLE, 0n, true);
  return runtime;
}
