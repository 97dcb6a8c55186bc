import assert from "node:assert/strict";
import { join } from "node:path";
import { listenUnix } from "../../../lib/ssh/forwarding/listeners.ts";
import { Refused } from "../../../lib/ssh/connection/handler.ts";
import { TempDir } from "../../support/program.ts";

const ignore = Deno.build.os === "windows";

Deno.test(
  "listenUnix() listens for this user alone and leaves nothing else",
  { ignore },
  async () => {
    await using dir = new TempDir();
    const path = join(dir.path, "socket");
    using listener = listenUnix(path);
    assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["socket"]);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    const accepted = listener.accept();
    using client = await Deno.connect({ transport: "unix", path });
    using server = await accepted;
    await client.write(Uint8Array.of(7));
    assert.equal(await server.read(new Uint8Array(8)), 1);
  },
);

Deno.test("listenUnix() replaces nothing and says why", { ignore }, async () => {
  await using dir = new TempDir();
  dir.write("file", "content");
  Deno.symlinkSync("missing", join(dir.path, "link"));
  for (const name of ["file", "link", "missing/socket"]) {
    assert.throws(() => listenUnix(join(dir.path, name)), Refused, name);
  }
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  assert.deepEqual(names.sort(), ["file", "link"]);
  assert.equal(Deno.readTextFileSync(join(dir.path, "file")), "content");
});
