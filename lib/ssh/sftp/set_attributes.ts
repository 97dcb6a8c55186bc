import type { Attributes } from "./packets/attributes.ts";
import type { FileSystem, FileTarget } from "./files/file_system.ts";

/**
 * Sets attributes in the order of OpenSSH's server, all of them even if one fails.
 *
 * @throws {SystemError} of the first change that failed
 */
export function setAttributes(files: FileSystem, target: FileTarget, wanted: Attributes): void {
  const { size, permissions, times, owner } = wanted;
  const failures: unknown[] = [];
  const change = <T>(value: T | undefined, apply: (value: T) => void) => {
    if (value === undefined) return;
    try {
      apply(value);
    } catch (error) {
      failures.push(error);
    }
  };
  change(size, (size) => files.truncate(target, size));
  change(permissions, (mode) => files.chmod(target, mode & 0o7777));
  change(times, ({ atime, mtime }) => files.utimes(target, atime, mtime));
  change(owner, ({ uid, gid }) => files.chown(target, uid, gid));
  if (failures.length > 0) throw failures[0];
}
