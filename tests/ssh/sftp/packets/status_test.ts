import assert from "node:assert/strict";
import { SystemError } from "../../../../lib/ssh/sftp/files/file_system.ts";
import { Status } from "../../../../lib/ssh/sftp/packets/numbers.ts";
import { StatusError, toStatus } from "../../../../lib/ssh/sftp/packets/status.ts";

Deno.test("toStatus() gives the status that OpenSSH gives, and the system's text", () => {
  const cases: [string, Status][] = [
    ["ENOENT", Status.noSuchFile],
    ["ENOTDIR", Status.noSuchFile],
    ["ELOOP", Status.noSuchFile],
    ["EBADF", Status.noSuchFile],
    ["EACCES", Status.permissionDenied],
    ["EPERM", Status.permissionDenied],
    ["EINVAL", Status.badMessage],
    ["ENAMETOOLONG", Status.badMessage],
    ["ENOSYS", Status.opUnsupported],
    ["EEXIST", Status.failure],
    ["ENOSPC", Status.failure],
    ["EROFS", Status.failure],
  ];
  for (const [code, status] of cases) {
    const message = `the text for ${code}`;
    assert.deepEqual(toStatus(new SystemError(code, message)), { status, message });
  }
  const chosen = new StatusError(Status.eof, "End of file");
  assert.deepEqual(toStatus(chosen), { status: Status.eof, message: "End of file" });
  assert.deepEqual(toStatus(new RangeError("odd")), { status: Status.failure, message: "odd" });
});
