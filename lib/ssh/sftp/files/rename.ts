import { type FileSystem, FileType, fileType, SystemError } from "./file_system.ts";

/** Errors of link(2) where the file system has no hard links, or not between the two. */
const NO_LINKS = new Set(["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EXDEV", "EPERM"]);

/**
 * Renames a file as version 3 requires: never onto something that exists (section 6.5).
 *
 * A regular file is linked and unlinked, so that no other program can come between. For others,
 * and without hard links, it looks whether `to` exists and renames.
 *
 * @throws {SystemError} `EEXIST` if `to` exists, or any error of the system
 */
export function rename(files: FileSystem, from: string, to: string): void {
  if (fileType(files.stat({ path: from, follow: false })) === FileType.regular) {
    try {
      files.link(from, to);
    } catch (error) {
      if (!NO_LINKS.has((error as SystemError).code)) throw error;
      return renameUnlessThere(files, from, to);
    }
    try {
      return files.unlink(from);
    } catch (error) {
      files.unlink(to);
      throw error;
    }
  }
  renameUnlessThere(files, from, to);
}

function renameUnlessThere(files: FileSystem, from: string, to: string): void {
  try {
    files.stat({ path: to, follow: false });
  } catch (error) {
    if ((error as SystemError).code !== "ENOENT") throw error;
    return files.rename(from, to);
  }
  throw new SystemError("EEXIST", "File exists");
}
