import { MalformedError, type Reader, type Writer } from "../../protocol/wire_format.ts";
import type { FileStat } from "../files/file_system.ts";
import { AttributeFlag, Status } from "./numbers.ts";
import { StatusError } from "./status.ts";

/** Attributes from a client (section 5); times in seconds since the epoch. */
export interface Attributes {
  size?: number;
  owner?: { uid: number; gid: number };
  permissions?: number;
  times?: { atime: number; mtime: number };
}

/** Reads a 64-bit number; above 2^53 it is rounded. */
export function readUint64(reader: Reader): number {
  return reader.uint32() * 2 ** 32 + reader.uint32();
}

/**
 * Reads an offset or a size.
 *
 * @throws {StatusError} if it is 2^53 bytes, 8 PiB, or more
 */
export function readOffset(reader: Reader): number {
  const offset = readUint64(reader);
  if (offset <= Number.MAX_SAFE_INTEGER) return offset;
  throw new StatusError(Status.badMessage, "File too large");
}

/** Writes a 64-bit number. */
export function writeUint64(writer: Writer, value: number | bigint): Writer {
  const big = BigInt(value);
  return writer.uint32(Number(big >> 32n & 0xffffffffn)).uint32(Number(big & 0xffffffffn));
}

/** Reads attributes from a client. */
export function readAttributes(reader: Reader): Attributes {
  const flags = reader.uint32();
  const attributes: Attributes = {};
  if (flags & AttributeFlag.size) attributes.size = readOffset(reader);
  if (flags & AttributeFlag.owner) {
    attributes.owner = { uid: reader.uint32(), gid: reader.uint32() };
  }
  if (flags & AttributeFlag.permissions) attributes.permissions = reader.uint32();
  if (flags & AttributeFlag.times) {
    attributes.times = { atime: reader.uint32(), mtime: reader.uint32() };
  }
  if (flags & AttributeFlag.extended) {
    for (let pairs = reader.uint32(); pairs > 0; pairs--) {
      if (reader.left === 0) throw new MalformedError("the attributes end too early");
      reader.string();
      reader.string();
    }
  }
  return attributes;
}

/** Writes the attributes of a file, or without `stat` that none are known. */
export function writeAttributes(writer: Writer, stat?: FileStat): Writer {
  if (stat === undefined) return writer.uint32(0);
  const { size, owner, permissions, times } = AttributeFlag;
  writer.uint32(size | owner | permissions | times);
  writer.uint32(Math.floor(stat.size / 2 ** 32)).uint32(stat.size % 2 ** 32);
  return writer.uint32(stat.uid).uint32(stat.gid).uint32(stat.mode)
    .uint32(stat.atime).uint32(stat.mtime);
}
