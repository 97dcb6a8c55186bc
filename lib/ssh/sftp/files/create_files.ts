import type { FileSystem } from "./file_system.ts";
import { LibC } from "./libc.ts";
import { LinuxFiles } from "./linux_files.ts";
import { NodeFiles } from "./node_files.ts";
import { WindowsFiles } from "./windows_files.ts";

/** The implementation for this system; node:fs on a Linux without glibc. */
export function createFiles(): FileSystem {
  if (Deno.build.os === "windows") return new WindowsFiles();
  if (LibC.supported) {
    try {
      return new LinuxFiles(new LibC());
    } catch {
      // The C library is too old, or not glibc.
    }
  }
  return new NodeFiles();
}
