import assert from "node:assert/strict";
import { PacketType, Status } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { rename } from "../../../lib/ssh/sftp/files/rename.ts";
import { type FileSystem, SystemError } from "../../../lib/ssh/sftp/files/file_system.ts";
import { TempDir } from "../../support/program.ts";
import { assertStatus, SYSTEMS, TestClient } from "./test_client.ts";

for (const [system, create] of SYSTEMS) {
  const name = (what: string) => `${what} (${system})`;

  Deno.test(name("rename moves files, directories and links, never onto something"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const read = (name: string) => Deno.readTextFileSync(`${dir.path}/${name}`);
    dir.write("a", "content of a");
    dir.write("b", "content of b");
    Deno.mkdirSync(`${dir.path}/d`);
    Deno.mkdirSync(`${dir.path}/e`);
    Deno.symlinkSync("missing", `${dir.path}/l`);
    for (
      const [from, to] of [["a", "b"], ["a", "a"], ["d", "e"], ["d", "a"], ["a", "d"], ["a", "l"]]
    ) {
      assert.match(client.status(Status.failure, PacketType.rename, from!, to!), /exists/i);
    }
    assert.equal(read("a") + read("b"), "content of acontent of b");
    client.ok(PacketType.rename, "a", "e/new");
    assert.equal(read("e/new"), "content of a");
    client.ok(PacketType.rename, "e", "f");
    assert.equal(read("f/new"), "content of a");
    client.ok(PacketType.rename, "l", "m");
    assert.equal(Deno.readLinkSync(`${dir.path}/m`), "missing");
    client.status(Status.noSuchFile, PacketType.rename, "a", "x");
    client.status(Status.noSuchFile, PacketType.rename, "b", "nowhere/x");
  });

  Deno.test(name("posix-rename replaces what is there"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    dir.write("a", "content of a");
    dir.write("b", "content of b");
    const renamed = (from: string, to: string, status: Status = Status.ok) =>
      assertStatus(client.extended("posix-rename@openssh.com", from, to), status);
    renamed("a", "b");
    assert.equal(Deno.readTextFileSync(`${dir.path}/b`), "content of a");
    renamed("a", "b", Status.noSuchFile);
    Deno.mkdirSync(`${dir.path}/d`);
    assert.match(renamed("b", "d", Status.failure), /directory/i);
  });

  Deno.test(name("symlink takes the target first, readlink gives it back"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    client.ok(PacketType.symlink, "../some where", "link");
    assert.equal(Deno.readLinkSync(`${dir.path}/link`), "../some where");
    assert.equal(client.name(PacketType.readlink, "link"), "../some where");
    assert.match(client.status(Status.failure, PacketType.symlink, "x", "link"), /exists/i);
    dir.write("file", "");
    client.status(Status.badMessage, PacketType.readlink, "file");
    client.status(Status.noSuchFile, PacketType.readlink, "missing");
    const type = (request: number) => client.attributes(request, "link").permissions! & 0o170000;
    assert.equal(type(PacketType.lstat), 0o120000);
    client.status(Status.noSuchFile, PacketType.stat, "link");
  });

  Deno.test(name("hardlink gives a file a second name"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    dir.write("a", "x");
    assertStatus(client.extended("hardlink@openssh.com", "a", "b"), Status.ok);
    assert.equal(Deno.statSync(`${dir.path}/b`).nlink, 2);
    assertStatus(client.extended("hardlink@openssh.com", "a", "b"), Status.failure);
    assertStatus(client.extended("hardlink@openssh.com", "missing", "c"), Status.noSuchFile);
    assert.match(client.list(".").get("a")!.longName, /^-rw------- {3}2 /);
  });
}

Deno.test("rename() looks before it renames where there are no hard links", () => {
  const done: string[] = [];
  const present = new Set(["a", "c"]);
  const stat = { mode: 0o100644 };
  const files = {
    stat: ({ path }: { path: string }) => {
      if (!present.has(path)) throw new SystemError("ENOENT", "No such file or directory");
      return stat;
    },
    link: () => {
      throw new SystemError("EPERM", "Operation not permitted");
    },
    rename: (from: string, to: string) => done.push(`${from} ${to}`),
  } as unknown as FileSystem;
  rename(files, "a", "b");
  assert.deepEqual(done, ["a b"]);
  assert.throws(() => rename(files, "a", "c"), { code: "EEXIST" });
  assert.deepEqual(done, ["a b"]);
});

Deno.test("rename() leaves one name when the old one cannot be removed", () => {
  const unlinked: string[] = [];
  const files = {
    stat: () => ({ mode: 0o100644 }),
    link: () => {},
    unlink: (path: string) => {
      unlinked.push(path);
      if (path === "a") throw new SystemError("EACCES", "Permission denied");
    },
  } as unknown as FileSystem;
  assert.throws(() => rename(files, "a", "b"), { code: "EACCES" });
  assert.deepEqual(unlinked, ["a", "b"]);
});
