import assert from "node:assert/strict";
import { homedir, userInfo } from "node:os";
import {
  MAX_DATA,
  MAX_HANDLES,
  PacketType,
  Status,
} from "../../../lib/ssh/sftp/packets/numbers.ts";
import { Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { TempDir } from "../../support/program.ts";
import {
  assertStatus,
  byteText,
  encodePacket,
  readNames,
  readUint64,
  SYSTEMS,
  TestClient,
  type TestReply,
} from "./test_client.ts";

/** The numbers in a reply. */
function readUint64s(reply: TestReply): number[] {
  if (reply.type === PacketType.status) assertStatus(reply, Status.ok);
  assert.equal(reply.type, PacketType.extendedReply);
  const numbers: number[] = [];
  while (reply.body.left > 0) numbers.push(Number(readUint64(reply.body)));
  return numbers;
}

function numbers(...values: number[]): Uint8Array {
  return values.reduce((writer, value) => writer.uint32(value), new Writer()).bytes();
}

function strings(bytes: Uint8Array): string[] {
  const reader = new Reader(bytes);
  const found: string[] = [];
  while (reader.left > 0) found.push(reader.text());
  return found;
}

for (const [system, create] of SYSTEMS) {
  const name = (what: string) => `${what} (${system})`;

  Deno.test(name("statvfs and fstatvfs tell how full the file system is"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("f", ["write", "create"]);
    const stat = new Deno.Command("stat", { args: ["-f", "-c", "%S %b %c %l", dir.path] });
    const expected = new TextDecoder().decode(stat.outputSync().stdout).trim().split(" ");
    const [byPath, byHandle] = [
      client.extended("statvfs@openssh.com", "."),
      client.extended("fstatvfs@openssh.com", handle),
    ].map(readUint64s);
    for (const found of [byPath!, byHandle!]) {
      const [, frsize, blocks, bfree, bavail, files, , , , flag, namemax] = found;
      assert.deepEqual([frsize, blocks, files, namemax].map(String), expected);
      assert.ok(bfree! <= blocks! && bavail! <= bfree!);
      assert.equal(flag! & ~3, 0);
      assert.equal(found.length, 11);
    }
    client.close(handle);
    assertStatus(client.extended("statvfs@openssh.com", "missing"), Status.noSuchFile);
    assertStatus(client.extended("fstatvfs@openssh.com", handle), Status.failure);
  });

  Deno.test(name("fsync succeeds on files"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const handle = client.open("f", ["write", "create"]);
    client.write(handle, 0, "x");
    assertStatus(client.extended("fsync@openssh.com", handle), Status.ok);
    client.close(handle);
    assertStatus(client.extended("fsync@openssh.com", handle), Status.failure);
  });

  Deno.test(name("copy-data copies a part, or up to the end"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const content = new Uint8Array(3_500_000);
    for (let at = 0; at < content.length; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    dir.write("from", content);
    const from = client.open("from", ["read"]);
    const to = client.open("to", ["read", "write", "create"]);
    const copy = (readOffset: number, length: number, writeOffset: number, target = to) =>
      client.extended(
        "copy-data",
        from,
        BigInt(readOffset),
        BigInt(length),
        target,
        BigInt(writeOffset),
      );
    assertStatus(copy(100, 2_000_000, 7), Status.ok);
    assert.deepEqual(
      Deno.readFileSync(`${dir.path}/to`).slice(7),
      content.slice(100, 2_000_100),
    );
    assertStatus(copy(0, 0, 0), Status.ok);
    assert.deepEqual(Deno.readFileSync(`${dir.path}/to`), content);
    assertStatus(copy(3_499_990, 100, 4_000_000), Status.eof);
    assert.equal(Deno.statSync(`${dir.path}/to`).size, 4_000_010);
    assertStatus(copy(3_500_000, 0, 0), Status.ok);

    const itself = client.open("from", ["write"]);
    assert.match(assertStatus(copy(0, 0, 0, itself), Status.failure), /onto itself/);
    assertStatus(copy(0, 0, 0, from), Status.failure);
    const append = client.open("log", ["write", "create", "append"]);
    assertStatus(copy(0, 10, 0, append), Status.ok);
    assertStatus(copy(10, 10, 0, append), Status.ok);
    assert.deepEqual(Deno.readFileSync(`${dir.path}/log`), content.slice(0, 20));
    client.close(from);
    assertStatus(copy(0, 10, 0), Status.failure);
  });

  Deno.test(name("expand-path knows ~, and relative paths start from the directory"), async () => {
    await using dir = new TempDir();
    const path = Deno.realPathSync(dir.path);
    using client = new TestClient(create, path);
    const expand = (path: string) => {
      const reply = client.extended("expand-path@openssh.com", path);
      return readNames(reply)[0]!.name;
    };
    const home = Deno.realPathSync(homedir());
    assert.equal(expand("~"), home);
    assert.equal(expand("~/"), home);
    assert.equal(expand("~/x"), `${home}/x`);
    assert.equal(expand(`~${userInfo().username}/x`), `${home}/x`);
    assert.equal(expand("./y"), `${path}/y`);
    assert.equal(expand(""), path);
    const unknown = client.extended("expand-path@openssh.com", "~no-such-user/x");
    assert.match(assertStatus(unknown, Status.noSuchFile), /no-such-user/);
  });

  Deno.test(name("home-directory tells one's own and others'"), async () => {
    await using dir = new TempDir();
    using client = new TestClient(create, dir.path);
    const home = (user: string) => readNames(client.extended("home-directory", user))[0]!.name;
    assert.equal(home(""), homedir());
    assert.equal(home("root"), "/root");
    assertStatus(client.extended("home-directory", "no-such-user"), Status.noSuchFile);
  });

  Deno.test(
    name("users-groups-by-id gives names, and nothing for numbers without one"),
    async () => {
      await using dir = new TempDir();
      using client = new TestClient(create, dir.path);
      const ask = (uids: number[], gids: number[]) => {
        const fields = [numbers(...uids), numbers(...gids)];
        const { body } = client.extended("users-groups-by-id@openssh.com", ...fields);
        return [strings(body.string()), strings(body.string())];
      };
      assert.deepEqual(ask([0, 987654321, 1], [0]), [["root", "", "daemon"], ["root"]]);
      assert.deepEqual(ask([], []), [[], []]);
    },
  );
}

Deno.test("limits tells what this server takes", async () => {
  await using dir = new TempDir();
  using client = new TestClient(SYSTEMS[0]![1], dir.path);
  const limits = readUint64s(client.extended("limits@openssh.com"));
  assert.deepEqual(limits, [262_144, MAX_DATA, MAX_DATA, MAX_HANDLES]);
});

Deno.test("the greeting announces version 3 and the extensions", async () => {
  await using dir = new TempDir();
  using client = new TestClient(SYSTEMS[0]![1], dir.path);
  const greeting = client.exchange(encodePacket(PacketType.init, 6));
  const reader = new Reader(new Reader(greeting).string());
  assert.equal(reader.byte(), PacketType.version);
  assert.equal(reader.uint32(), 3);
  const extensions: string[] = [];
  while (reader.left > 0) extensions.push(`${reader.text()} ${byteText(reader.string())}`);
  assert.deepEqual(extensions, [
    "posix-rename@openssh.com 1",
    "statvfs@openssh.com 2",
    "fstatvfs@openssh.com 2",
    "hardlink@openssh.com 1",
    "fsync@openssh.com 1",
    "lsetstat@openssh.com 1",
    "limits@openssh.com 1",
    "expand-path@openssh.com 1",
    "copy-data 1",
    "home-directory 1",
    "users-groups-by-id@openssh.com 1",
  ]);
});
