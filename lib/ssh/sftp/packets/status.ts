import { SystemError } from "../files/file_system.ts";
import { Status } from "./numbers.ts";

/** An answer other than success, with a text for the user. */
export class StatusError extends Error {
  override name = "StatusError";

  constructor(readonly status: Status, message: string) {
    super(message);
  }
}

/** The answer to a read at the end of the file and to a listing that is complete. */
export function endOfFile(): StatusError {
  return new StatusError(Status.eof, "End of file");
}

/** The status for each error of the system, as in OpenSSH; others are a failure. */
const BY_CODE: Record<string, Status> = {
  ENOENT: Status.noSuchFile,
  ENOTDIR: Status.noSuchFile,
  EBADF: Status.noSuchFile,
  ELOOP: Status.noSuchFile,
  EPERM: Status.permissionDenied,
  EACCES: Status.permissionDenied,
  EFAULT: Status.permissionDenied,
  ENAMETOOLONG: Status.badMessage,
  EINVAL: Status.badMessage,
  ENOSYS: Status.opUnsupported,
};

/** The answer for anything that a request's handler threw. */
export function toStatus(error: unknown): { status: Status; message: string } {
  const { message } = error as Error;
  if (error instanceof StatusError) return { status: error.status, message };
  const status = error instanceof SystemError ? BY_CODE[error.code] : undefined;
  return { status: status ?? Status.failure, message };
}
