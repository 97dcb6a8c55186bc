import { errorMessage } from "./error_message.ts";

/** The system's error codes in plain English. */
const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EEXIST: "it exists, but cannot be used",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links lead nowhere",
  ENOTDIR: "a part of its path is not a directory",
  EROFS: "the file system cannot be written to",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would become too large",
  ENXIO: "it is a socket",
};

/**
 * Why a file could not be read or written, for people.
 *
 * @param missing what it means that a part of the path is not there
 */
export function fileErrorReason(error: unknown, missing = "no such file"): string {
  const { code = "" } = Object(error) as { code?: string };
  return isMissing(error) ? missing : REASONS[code] ?? errorMessage(error);
}

/** Whether a file could not be read because it is not there. */
export function isMissing(error: unknown): boolean {
  return (Object(error) as { code?: string }).code === "ENOENT";
}
