import { FileType, fileType, SystemError } from "./file_system.ts";
import type { FileSystem } from "./file_system.ts";

/** How many links are followed in one path, as on Linux. */
const MAX_LINKS = 40;

/**
 * Resolves `.`, `..` and symbolic links. As in OpenSSH the last name need not exist.
 *
 * @param path an absolute path with slashes
 * @throws {SystemError} if a directory of the path is missing or not one, or links form a loop
 */
export function realPath(files: FileSystem, path: string): string {
  const left = path.split("/").reverse();
  let resolved: string[] = [];
  for (let links = 0; left.length > 0;) {
    const name = left.pop()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      resolved.pop();
      continue;
    }
    resolved.push(name);
    const here = `/${resolved.join("/")}`;
    try {
      if (fileType(files.stat({ path: here, follow: false })) !== FileType.link) continue;
    } catch (error) {
      if ((error as SystemError).code === "ENOENT" && left.length === 0) break;
      throw error;
    }
    if (++links > MAX_LINKS) throw new SystemError("ELOOP", "Too many levels of symbolic links");
    const target = files.readlink(here);
    if (target.startsWith("/")) resolved = [];
    else resolved.pop();
    left.push(...target.split("/").reverse());
  }
  return `/${resolved.join("/")}`;
}
