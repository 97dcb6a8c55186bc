import assert from "node:assert/strict";
import { lstatSync, statSync } from "node:fs";
import { PacketType, Status } from "../../../../lib/ssh/sftp/packets/numbers.ts";
import { TempDir } from "../../../support/program.ts";
import { assertStatus, SYSTEMS, TestClient } from "../test_client.ts";

/** Past 2038, where a signed number of 32 bits ends. */
const LATE = 4_000_000_000;

for (const [system, create] of SYSTEMS) {
  const name = (what: string) => `${what} (${system})`;

  Deno.test(name("stat, lstat and fstat agree with the system"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const file = dir.write("f", "12345", 0o604);
    Deno.utimeSync(file, 1_000_000_000, LATE);
    const handle = client.open("f", ["read"]);
    const expected = {
      size: 5,
      owner: [Deno.uid(), Deno.gid()],
      permissions: 0o100604,
      times: [1_000_000_000, LATE],
    };
    assert.deepEqual(client.attributes(PacketType.fstat, handle), expected);
    assert.deepEqual(client.attributes(PacketType.stat, "f"), expected);
    assert.deepEqual(client.attributes(PacketType.lstat, "f"), expected);
    client.close(handle);
  });

  for (const by of ["path", "handle"]) {
    Deno.test(name(`setstat by ${by} changes size, mode and times`), async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      const file = dir.write("f", "12345");
      const handle = client.open("f", ["read", "write"]);
      const set = (attributes: object, status: Status = Status.ok) =>
        by === "path"
          ? client.status(status, PacketType.setstat, "f", { attributes })
          : client.status(status, PacketType.fsetstat, handle, { attributes });
      set({ size: 3 });
      assert.equal(Deno.readTextFileSync(file), "123");
      set({ size: 10 });
      assert.equal(statSync(file).size, 10);
      set({ permissions: 0o104751 });
      assert.equal(statSync(file).mode & 0o7777, 0o4751);
      set({ times: [5, LATE] });
      assert.equal(statSync(file).atimeMs, 5000);
      assert.equal(statSync(file).mtimeMs, LATE * 1000);
      set({ size: 1, permissions: 0o600, times: [7, 8], owner: [Deno.uid(), Deno.gid()] });
      assert.equal(statSync(file).size, 1);
      assert.equal(statSync(file).mode & 0o7777, 0o600);
      assert.equal(statSync(file).mtimeMs, 8000);
      set({});
      client.close(handle);
    });
  }

  Deno.test(name("setstat changes owners"), { ignore: Deno.uid() !== 0 }, async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const file = dir.write("f", "");
    Deno.symlinkSync("f", `${dir.path}/l`);
    client.ok(PacketType.setstat, "l", { attributes: { owner: [1, 2] } });
    assert.deepEqual([statSync(file).uid, statSync(file).gid], [1, 2]);
    const lsetstat = { attributes: { owner: [3, 4] as [number, number] } };
    assertStatus(client.extended("lsetstat@openssh.com", "l", lsetstat), Status.ok);
    assert.deepEqual([statSync(file).uid, statSync(file).gid], [1, 2]);
    const link = lstatSync(`${dir.path}/l`);
    assert.deepEqual([link.uid, link.gid], [3, 4]);
    assert.match(client.list(".").get("l")!.longName, / sys +adm |  ?3 +4 /);
  });

  Deno.test(name("setstat changes what it can and tells the first error"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    Deno.mkdirSync(`${dir.path}/d`);
    const attributes = { size: 5, permissions: 0o700, times: [1, 2] as [number, number] };
    assert.match(
      client.status(Status.failure, PacketType.setstat, "d", { attributes }),
      /directory/i,
    );
    assert.equal(statSync(`${dir.path}/d`).mode & 0o777, 0o700);
    assert.equal(statSync(`${dir.path}/d`).mtimeMs, 2000);
    client.status(Status.noSuchFile, PacketType.setstat, "missing", { attributes });
  });

  Deno.test(name("lsetstat changes a link itself"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const file = dir.write("f", "", 0o644);
    Deno.symlinkSync("f", `${dir.path}/l`);
    const lsetstat = (path: string, attributes: object) =>
      client.extended("lsetstat@openssh.com", path, { attributes });
    assertStatus(lsetstat("l", { times: [5, 6] }), Status.ok);
    assert.equal(lstatSync(`${dir.path}/l`).mtimeMs, 6000);
    assert.notEqual(statSync(file).mtimeMs, 6000);
    assertStatus(lsetstat("l", { size: 0 }), Status.badMessage);
    assertStatus(lsetstat("l", { permissions: 0o600 }), Status.failure);
    assert.equal(statSync(file).mode & 0o777, 0o644);
    assertStatus(lsetstat("f", { permissions: 0o600 }), Status.ok);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });
}
