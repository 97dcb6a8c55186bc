import assert from "node:assert/strict";
import { statSync } from "node:fs";
import {
  MAX_DATA,
  MAX_HANDLES,
  OpenFlag,
  PacketType,
  Status,
} from "../../../lib/ssh/sftp/packets/numbers.ts";
import { TempDir } from "../../support/program.ts";
import {
  assertStatus,
  concat,
  decodeReplies,
  encodePacket,
  SYSTEMS,
  TestClient,
} from "./test_client.ts";

const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

for (const [system, create] of SYSTEMS) {
  const name = (what: string) => `${what} (${system})`;

  Deno.test(name("open with write and create makes a file with the given mode"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("new", ["write", "create"], { permissions: 0o640 });
    client.write(handle, 0, "hello");
    client.write(handle, 5, " world");
    client.close(handle);
    assert.equal(Deno.readTextFileSync(`${dir.path}/new`), "hello world");
    assert.equal(statSync(`${dir.path}/new`).mode & 0o777, 0o640 & ~Deno.umask());
  });

  Deno.test(name("open makes a file that only its maker could not write"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("readonly", ["write", "create"], { permissions: 0o400 });
    client.write(handle, 0, "x");
    client.close(handle);
    assert.equal(statSync(`${dir.path}/readonly`).mode & 0o777, 0o400);
  });

  Deno.test(name("open obeys every combination of flags"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    for (let bits = 0; bits < 64; bits++) {
      const has = (flag: number) => (bits & flag) !== 0;
      for (const exists of [true, false]) {
        const file = `${dir.path}/f${bits}-${exists}`;
        if (exists) Deno.writeTextFileSync(file, "before");
        const reply = client.request(PacketType.open, file, bits, { attributes: {} });
        const exclusive = has(OpenFlag.create) && has(OpenFlag.exclusive);
        const context = `flags ${bits}, ${exists ? "a file" : "no file"}`;
        if (exists ? exclusive : !has(OpenFlag.create)) {
          assertStatus(reply, exists ? Status.failure : Status.noSuchFile);
          if (exists) assert.equal(Deno.readTextFileSync(file), "before");
          continue;
        }
        assert.equal(reply.type, PacketType.handle, context);
        const handle = reply.body.string();
        const content = exists && !has(OpenFlag.truncate) ? "before" : "";
        const reads = has(OpenFlag.read) || !has(OpenFlag.write);
        if (reads) assert.equal(text(client.read(handle, 0, 100)) ?? "", content, context);
        else client.status(Status.noSuchFile, PacketType.read, handle, 0n, 100);
        if (has(OpenFlag.write)) {
          client.write(handle, 0, "AB");
          const expected = has(OpenFlag.append) ? content + "AB" : "AB" + content.slice(2);
          assert.equal(Deno.readTextFileSync(file), expected, context);
        } else {
          client.status(Status.noSuchFile, PacketType.write, handle, 0n, "AB");
        }
        client.close(handle);
      }
    }
  });

  Deno.test(
    name("read gives what is there, at most the limit, and the end of the file"),
    async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      const content = crypto.getRandomValues(new Uint8Array(60_000));
      const big = new Uint8Array(MAX_DATA + 60_000);
      big.set(content, MAX_DATA);
      dir.write("big", big);
      const handle = client.open("big", ["read"]);
      assert.equal(client.read(handle, 0, 0xffffffff)?.length, MAX_DATA);
      assert.deepEqual(client.read(handle, MAX_DATA, 0xffffffff), content);
      assert.deepEqual(client.read(handle, MAX_DATA + 59_990, 100), content.slice(-10));
      assert.equal(client.read(handle, MAX_DATA + 60_000, 1), null);
      assert.equal(client.read(handle, 2n ** 40n, 1), null);
      assert.equal(client.read(handle, 0, 0)?.length, 0);
      client.close(handle);
    },
  );

  Deno.test(name("reads and writes beyond 4 GiB, in a file that is mostly a hole"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const far = 5n * 2n ** 30n + 7n;
    const handle = client.open("sparse", ["read", "write", "create"]);
    client.write(handle, far, "far away");
    assert.equal(text(client.read(handle, far, 100)), "far away");
    assert.deepEqual(client.read(handle, far - 3n, 4), Uint8Array.of(0, 0, 0, 0x66));
    assert.equal(client.attributes(PacketType.fstat, handle).size, Number(far) + 8);
    assert.equal(client.attributes(PacketType.lstat, "sparse").size, Number(far) + 8);
    client.ok(PacketType.fsetstat, handle, { attributes: { size: 6 * 2 ** 30 } });
    assert.equal(client.attributes(PacketType.stat, "sparse").size, 6 * 2 ** 30);
    client.close(handle);
    assert.ok(statSync(`${dir.path}/sparse`).blocks! < 1000);
    assert.match(client.list(".").get("sparse")!.longName, / 6442450944 /);
  });

  Deno.test(name("refuses offsets that no file has"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("x", ["read", "write", "create"]);
    for (const offset of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      client.status(Status.badMessage, PacketType.read, handle, offset, 10);
      client.status(Status.badMessage, PacketType.write, handle, offset, "x");
    }
    assert.equal(client.attributes(PacketType.fstat, handle).size, 0);
  });

  Deno.test(name("a handle outlives the rename and the removal of its file"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("a", ["read", "write", "create"]);
    client.write(handle, 0, "one");
    client.ok(PacketType.rename, "a", "b");
    client.write(handle, 3, "two");
    assert.equal(Deno.readTextFileSync(`${dir.path}/b`), "onetwo");
    client.ok(PacketType.remove, "b");
    client.write(handle, 6, "three");
    assert.equal(text(client.read(handle, 0, 100)), "onetwothree");
    assert.equal(client.attributes(PacketType.fstat, handle).size, 11);
    client.close(handle);
  });

  Deno.test(
    name("answers requests sent ahead as if each had waited for the one before"),
    async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      const handle = client.open("x", ["read", "write", "create"]);
      const packets: Uint8Array[] = [];
      for (let i = 0; i < 2000; i++) {
        packets.push(encodePacket(PacketType.write, 2 * i, handle, 0n, `round ${i}`));
        packets.push(encodePacket(PacketType.read, 2 * i + 1, handle, 0n, 100));
      }
      packets.push(encodePacket(PacketType.close, 9000, handle));
      packets.push(encodePacket(PacketType.remove, 9001, "x"));
      packets.push(encodePacket(PacketType.lstat, 9002, "x"));
      const bytes = concat(packets);
      const replies = new Map(
        decodeReplies(client.exchange(bytes)).map((reply) => [reply.id, reply]),
      );
      assert.equal(replies.size, 4003);
      for (let i = 0; i < 2000; i++) {
        assertStatus(replies.get(2 * i)!, Status.ok);
        assert.equal(replies.get(2 * i + 1)!.body.text(), `round ${i}`);
      }
      assertStatus(replies.get(9001)!, Status.ok);
      assertStatus(replies.get(9002)!, Status.noSuchFile);
    },
  );

  Deno.test(name("knows handles by number, and old ones no more"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const old = client.open("x", ["write", "create"]);
    client.close(old);
    const handle = client.open("x", ["read"]);
    assert.notDeepEqual(handle, old);
    const unknown = [old, new Uint8Array(0), new Uint8Array(3), new Uint8Array(8).fill(1)];
    for (const bytes of unknown) {
      client.status(Status.failure, PacketType.read, bytes, 0n, 1);
      client.status(Status.failure, PacketType.close, bytes);
      client.status(Status.failure, PacketType.fstat, bytes);
      client.status(Status.failure, PacketType.readdir, bytes);
    }
    const directory = client.request(PacketType.opendir, ".").body.string();
    client.status(Status.failure, PacketType.read, directory, 0n, 1);
    client.status(Status.failure, PacketType.readdir, handle);
    client.close(handle);
    client.close(directory);
  });

  Deno.test(name("opens so many files and no more, and closes them all at the end"), async () => {
    await using dir = new TempDir();
    // Other tests run in this process, so only what is open below the directory counts.
    const open = () => openBelow(dir.path);
    {
      using client = new TestClient(create, dir.path);
      const handles = Array.from(
        { length: MAX_HANDLES },
        () => client.open("x", ["write", "create"]),
      );
      const refused = ["x", OpenFlag.read, { attributes: {} }] as const;
      assert.match(client.status(Status.failure, PacketType.open, ...refused), /at most 512/);
      assert.match(client.status(Status.failure, PacketType.opendir, "."), /at most 512/);
      client.close(handles[0]!);
      client.open("x", ["read"]);
      assert.equal(open(), MAX_HANDLES);
    }
    assert.equal(open(), 0);
  });

  Deno.test(name("a write to a full disk fails and says why"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("/dev/full", ["write"]);
    const text = client.status(Status.failure, PacketType.write, handle, 0n, "x");
    assert.match(text, /no space left/i);
    client.close(handle);
  });

  Deno.test(name("does not wait for the other end of a FIFO"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    new Deno.Command("mkfifo", { args: [`${dir.path}/fifo`] }).outputSync();
    const handle = client.open("fifo", ["read"]);
    const reply = client.request(PacketType.read, handle, 0n, 10);
    assert.equal(reply.type, PacketType.status);
    client.close(handle);
    const write = ["fifo", OpenFlag.write, { attributes: {} }] as const;
    client.status(Status.failure, PacketType.open, ...write);
  });
}

/** How many file descriptors of this process lead to something below a directory. */
function openBelow(directory: string): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(directory);
    } catch {
      return false; // Closed meanwhile.
    }
  }).length;
}
