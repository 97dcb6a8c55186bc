/** Copies of a file for those who accept a compressed download. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

/** What @types/node does not know yet. */
interface Zstd {
  createZstdCompress(options: { chunkSize: number; params: Record<number, number> }): Transform;
  constants: { ZSTD_c_compressionLevel: number; ZSTD_c_checksumFlag: number };
}
const { createZstdCompress, constants } = zlib as unknown as Zstd;

/**
 * How to compress, by the end of the copy's name. Higher levels cost far more time than they save:
 * docs/executables.md has the numbers.
 */
const COMPRESSORS = {
  ".gz": () => zlib.createGzip({ level: 9, chunkSize: 1 << 20 }),
  ".zst": () =>
    createZstdCompress({
      chunkSize: 1 << 20,
      params: { [constants.ZSTD_c_compressionLevel]: 9, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
};

/** The ends of the copies' names. */
export const COMPRESSED_SUFFIXES = Object.keys(COMPRESSORS) as (keyof typeof COMPRESSORS)[];

/**
 * Writes a compressed copy of the file at `path` beside it, its name with `suffix`.
 *
 * @returns its size in bytes
 */
export async function compressFile(
  path: string,
  suffix: keyof typeof COMPRESSORS,
  signal?: AbortSignal,
): Promise<number> {
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    COMPRESSORS[suffix](),
    createWriteStream(path + suffix),
    { signal },
  );
  return (await Deno.stat(path + suffix)).size;
}
