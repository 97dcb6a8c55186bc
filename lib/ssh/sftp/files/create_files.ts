import type { FileSystem } from "./file_system.ts";
import { LibC } from "./libc.ts";
import { LinuxFiles } from "./linux_files.ts";
import { NodeFiles } from "./node_files.ts";
import { WindowsFiles } from "./windows_files.ts";

/** The file system of this system; on a Linux whose C library is another one through node:fs. */
export function createFiles(): FileSystem {
  if (Deno.build.os === "windows") return new WindowsFiles();
  if (LibC.supported) {
    try {
      return new LinuxFiles(new LibC());
    } catch {
      // An old C library, or none of that name.
    }
  }
  return new NodeFiles();
}
