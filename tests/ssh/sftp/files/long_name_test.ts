import assert from "node:assert/strict";
import type { FileStat } from "../../../../lib/ssh/sftp/files/file_system.ts";
import { formatLongName, formatMode } from "../../../../lib/ssh/sftp/files/long_name.ts";
import type { Users } from "../../../../lib/ssh/sftp/files/users.ts";

const users: Users = {
  userName: (uid) => uid === 0 ? "root" : undefined,
  groupName: (gid) => gid === 0 ? "a-long-group" : undefined,
  home: () => undefined,
};

function file(changes: Partial<FileStat>): FileStat {
  const times = { atime: 0, mtime: 0 };
  return { mode: 0o100644, uid: 0, gid: 0, size: 5, nlink: 1, identity: "", ...times, ...changes };
}

Deno.test("formatMode() shows the kind of file and the special bits", () => {
  const cases: [number, string][] = [
    [0o100644, "-rw-r--r--"],
    [0o040755, "drwxr-xr-x"],
    [0o120777, "lrwxrwxrwx"],
    [0o010600, "prw-------"],
    [0o020620, "crw--w----"],
    [0o060660, "brw-rw----"],
    [0o140777, "srwxrwxrwx"],
    [0o104755, "-rwsr-xr-x"],
    [0o104644, "-rwSr--r--"],
    [0o102755, "-rwxr-sr-x"],
    [0o041777, "drwxrwxrwt"],
    [0o041776, "drwxrwxrwT"],
  ];
  for (const [mode, text] of cases) assert.equal(formatMode(file({ mode })), text);
});

Deno.test("formatLongName() shows the time of day of new files and the year of old ones", () => {
  const time = (text: string) => new Date(text).getTime();
  const line = (mtime: string) =>
    formatLongName(file({ mtime: time(mtime) / 1000 }), users, time("2026-06-15T12:00"));
  assert.equal(
    line("2026-06-05T09:07"),
    "-rw-r--r--   1 root     a-long-group        5 Jun  5 09:07 ",
  );
  assert.equal(
    line("2025-11-05T09:07"),
    "-rw-r--r--   1 root     a-long-group        5 Nov  5  2025 ",
  );
  assert.equal(
    line("2026-06-16T09:07"),
    "-rw-r--r--   1 root     a-long-group        5 Jun 16  2026 ",
  );
});

Deno.test("formatLongName() shows numbers where there are no names", () => {
  const line = formatLongName(
    file({ uid: 4242, gid: 4243, nlink: 12, size: 123456789012 }),
    users,
    0,
  );
  assert.match(line, /^-rw-r--r-- {2}12 4242 {5}4243 {5}123456789012 /);
});
