import assert from "node:assert/strict";
import { homedir } from "node:os";
import { SystemUsers } from "../../../../lib/ssh/sftp/files/users.ts";
import { TempDir } from "../../../support/program.ts";

Deno.test("SystemUsers reads names and homes, the first of several counts", async () => {
  await using dir = new TempDir();
  const passwd = dir.write(
    "passwd",
    "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/toor:/bin/sh\n\nbroken line\nnobody:x:65534:65534::/x:",
  );
  const group = dir.write("group", "root:x:0:\nstaff:x:50:a,b\nalso-staff:x:50:\n");
  const users = new SystemUsers({ passwd, group });
  assert.equal(users.userName(0), "root");
  assert.equal(users.userName(65534), "nobody");
  assert.equal(users.groupName(50), "staff");
  assert.equal(users.groupName(51), undefined);
  assert.equal(users.home("toor"), "/toor");
  assert.equal(users.home("missing-user"), undefined);
  assert.equal(users.home(""), homedir());
});

Deno.test("SystemUsers does without the files", () => {
  const users = new SystemUsers({ passwd: "/missing", group: "/missing" });
  assert.equal(users.groupName(0), undefined);
  assert.equal(users.home("missing-user"), undefined);
});
