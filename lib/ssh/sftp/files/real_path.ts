import { FileType, fileType, SystemError } from "./file_system.ts";
import type { FileSystem } from "./file_system.ts";

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/**
 * The path of a file without `.`, `..` and symbolic links. As in OpenSSH its last name need not exist.
 *
 * @param path an absolute path with slashes
 * @throws {SystemError} if a file on the way is missing or is no directory, or links go in a circle
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
