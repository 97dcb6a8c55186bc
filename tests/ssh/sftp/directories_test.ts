import assert from "node:assert/strict";
import { PacketType, Status } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { TempDir } from "../../support/program.ts";
import { readHandle, readNames, SYSTEMS, TestClient } from "./test_client.ts";

for (const [system, create] of SYSTEMS) {
  const name = (what: string) => `${what} (${system})`;

  Deno.test(name("readdir lists names, lines like those of ls -l, and attributes"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    dir.write("a file", "12345", 0o640);
    Deno.mkdirSync(`${dir.path}/directory`, { mode: 0o700 });
    Deno.symlinkSync("missing", `${dir.path}/link`);
    const entries = client.list(".");
    assert.deepEqual([...entries.keys()].sort(), [".", "..", "a file", "directory", "link"]);
    const file = entries.get("a file")!;
    assert.equal(file.attributes.permissions, 0o100640);
    assert.equal(file.attributes.size, 5);
    assert.deepEqual(file.attributes.owner, [Deno.uid(), Deno.gid()]);
    const ls = new Deno.Command("ls", {
      args: ["-l", "a file"],
      cwd: dir.path,
      env: { LC_ALL: "C" },
    });
    const fields = new TextDecoder().decode(ls.outputSync().stdout).trim().split(/\s+/);
    assert.deepEqual(file.longName.split(/\s+/), fields);
    assert.match(entries.get("directory")!.longName, /^drwx------ /);
    assert.match(entries.get("link")!.longName, /^lrwxrwxrwx .* link$/);
  });

  Deno.test(
    name("readdir lists 5,000 entries, each once, in replies that all clients take"),
    async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      const names = Array.from({ length: 5000 }, (_, i) => `${i}-`.padEnd(1 + i % 200, "x"));
      for (const name of names) dir.write(name, "");
      const handle = readHandle(client.request(PacketType.opendir, "."));
      const found: string[] = [];
      for (;;) {
        const reply = client.request(PacketType.readdir, handle);
        assert.ok(reply.body.left < 34_000);
        if (reply.type === PacketType.status) break;
        found.push(...readNames(reply).map(({ name }) => name));
      }
      client.close(handle);
      assert.deepEqual(found.sort(), [".", "..", ...names].sort());
    },
  );

  Deno.test(name("a listing leaves out what vanishes meanwhile"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    for (let i = 0; i < 3000; i++) dir.write(`file-${i}`, "");
    const handle = readHandle(client.request(PacketType.opendir, "."));
    const first = readNames(client.request(PacketType.readdir, handle));
    for (let i = 0; i < 3000; i++) Deno.removeSync(`${dir.path}/file-${i}`);
    assert.ok(first.length > 100);
    client.status(Status.eof, PacketType.readdir, handle);
    client.status(Status.eof, PacketType.readdir, handle);
    client.close(handle);
  });

  Deno.test(
    name("mkdir and rmdir make and remove directories, with the system's errors"),
    async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      client.ok(PacketType.mkdir, "d", { attributes: { permissions: 0o711 } });
      assert.equal(Deno.statSync(`${dir.path}/d`).mode! & 0o777, 0o711);
      assert.match(
        client.status(Status.failure, PacketType.mkdir, "d", { attributes: {} }),
        /exists/i,
      );
      dir.write("d/x", "");
      assert.match(client.status(Status.failure, PacketType.rmdir, "d"), /not empty/i);
      client.status(Status.noSuchFile, PacketType.rmdir, "d/x");
      client.ok(PacketType.remove, "d/x");
      client.ok(PacketType.rmdir, "d");
      client.status(Status.noSuchFile, PacketType.rmdir, "d");
      client.ok(PacketType.mkdir, "plain", { attributes: {} });
      assert.equal(Deno.statSync(`${dir.path}/plain`).mode! & 0o777, 0o777 & ~Deno.umask());
    },
  );

  Deno.test(name("tells what is wrong with a path"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    dir.write("file", "");
    const lstat = (status: Status, path: string) => client.status(status, PacketType.lstat, path);
    assert.match(lstat(Status.noSuchFile, "missing"), /no such file or directory/i);
    assert.match(lstat(Status.noSuchFile, "file/x"), /not a directory/i);
    lstat(Status.badMessage, "a\0b");
    Deno.symlinkSync("loop", `${dir.path}/loop`);
    client.status(Status.noSuchFile, PacketType.stat, "loop");
    client.status(Status.noSuchFile, PacketType.opendir, "missing");
    client.status(Status.noSuchFile, PacketType.opendir, "file");
    client.status(Status.noSuchFile, PacketType.remove, "missing");
    assert.equal(client.attributes(PacketType.stat, "").permissions! & 0o170000, 0o040000);
  });

  Deno.test(name("a listing ends when its directory is removed"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    Deno.mkdirSync(`${dir.path}/directory`);
    const handle = readHandle(client.request(PacketType.opendir, "directory"));
    client.ok(PacketType.rmdir, "directory");
    client.status(Status.eof, PacketType.readdir, handle);
    client.close(handle);
  });

  Deno.test(
    name("realpath takes out dots and links, and lets the last name be missing"),
    async () => {
      await using dir = new TempDir();
      const path = Deno.realPathSync(dir.path);
      using client = new TestClient(create, path);
      Deno.mkdirSync(`${path}/a/b`, { recursive: true });
      Deno.symlinkSync("a/b", `${path}/l`);
      Deno.symlinkSync(`${path}/l`, `${path}/l2`);
      Deno.symlinkSync("nowhere", `${path}/dangling`);
      Deno.symlinkSync("loop", `${path}/loop`);
      dir.write("file", "");
      const real = (of: string) => client.name(PacketType.realpath, of);
      assert.equal(real(""), path);
      assert.equal(real("."), path);
      assert.equal(real("/"), "/");
      assert.equal(real("/.."), "/");
      assert.equal(real("a/./b/../b//"), `${path}/a/b`);
      assert.equal(real("l2"), `${path}/a/b`);
      assert.equal(real("l2/.."), `${path}/a`);
      assert.equal(real("l2/new"), `${path}/a/b/new`);
      assert.equal(real("dangling"), `${path}/nowhere`);
      client.status(Status.noSuchFile, PacketType.realpath, "missing/x");
      client.status(Status.noSuchFile, PacketType.realpath, "file/x");
      client.status(Status.noSuchFile, PacketType.realpath, "loop");
    },
  );
}

Deno.test("a listing goes on when its directory is renamed", { ignore: !SYSTEMS[1] }, async () => {
  await using dir = new TempDir();
  using client = new TestClient(SYSTEMS[0]![1], dir.path);
  Deno.mkdirSync(`${dir.path}/before`);
  for (let i = 0; i < 2000; i++) dir.write(`before/file-${i}`, "");
  const handle = readHandle(client.request(PacketType.opendir, "before"));
  let count = readNames(client.request(PacketType.readdir, handle)).length;
  client.ok(PacketType.rename, "before", "after");
  for (;;) {
    const reply = client.request(PacketType.readdir, handle);
    if (reply.type === PacketType.status) break;
    count += readNames(reply).length;
  }
  assert.equal(count, 2002);
  client.close(handle);
});
