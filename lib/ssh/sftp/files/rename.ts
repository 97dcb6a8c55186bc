import { type FileSystem, FileType, fileType, SystemError } from "./file_system.ts";

/** What link(2) says where there are no hard links, or not from here to there. */
const NO_LINKS = new Set(["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EXDEV", "EPERM"]);

/**
 * Renames a file as version 3 wants it: never onto something that exists (section 6.5).
 *
 * A regular file is linked and unlinked, which no other program can come between; anything else,
 * and a file where there are no hard links, is looked for and then renamed.
 *
 * @throws {SystemError} `EEXIST` if there is something at `to`, or what else the system says
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
