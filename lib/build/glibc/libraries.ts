/** The files of glibc and GCC's runtime that executables bring. */
import { readFileSync } from "node:fs";
import * as zlib from "node:zlib";
import type { Target } from "../../dist/targets.ts";

/** What @types/node does not know yet. */
const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync(bytes: Uint8Array): Buffer };

/** The dynamic loader of each processor. */
const LOADERS: Record<Target["arch"], string> = {
  x86_64: "ld-linux-x86-64.so.2",
  aarch64: "ld-linux-aarch64.so.1",
};

/** The libraries that Deno's runtime needs, by the names that it has for them. */
const LIBRARIES = [
  "libc.so.6",
  "libdl.so.2",
  "libgcc_s.so.1",
  "libm.so.6",
  "libpthread.so.0",
  "librt.so.1",
];

/** A file and its name. */
export interface BroughtFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** All that a program needs to run without the system's libraries. */
export interface Glibc {
  loader: BroughtFile;
  libraries: BroughtFile[];
}

/** Reads the files for a processor; `update.sh` gets them from Debian's packages. */
export function readGlibc(arch: Target["arch"]): Glibc {
  const read = (name: string): BroughtFile => {
    const file = new URL(`${arch}/${name}.zst`, import.meta.url);
    return { name, bytes: new Uint8Array(zstdDecompressSync(readFileSync(file))) };
  };
  return { loader: read(LOADERS[arch]), libraries: LIBRARIES.map(read) };
}
