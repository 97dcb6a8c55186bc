/** Names that are no UTF-8, as only Linux has them. */
import assert from "node:assert/strict";
import { PacketType, Status } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { TempDir } from "../../support/program.ts";
import { assertStatus, byteText, readNames, SYSTEMS, TestClient } from "./test_client.ts";

const libc = SYSTEMS.find(([name]) => name === "libc")?.[1];
if (!libc) console.log("skipped: names of any bytes need Linux on x86_64 or aarch64");

/** A name of all bytes that may stand in one, in pieces that are not too long. */
function allBytes(): Uint8Array[] {
  const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 0x2f);
  return [bytes.slice(0, 127), bytes.slice(127)].map((part) => Uint8Array.from(part));
}

const ODD = Uint8Array.from([0x78, 0xff, 0xfe, 0x79]);
const ODD_DIR = Uint8Array.from([0xe9, 0x74, 0xe9]);

function join(...parts: (Uint8Array | string)[]): Uint8Array {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  return Uint8Array.from(bytes.flatMap((part, i) => i === 0 ? [...part] : [0x2f, ...part]));
}

Deno.test("every request takes and gives names of any bytes", { ignore: !libc }, async () => {
  await using dir = new TempDir();
  const path = Deno.realPathSync(dir.path);
  using client = new TestClient(libc!, path);
  client.ok(PacketType.mkdir, ODD_DIR, { attributes: {} });
  const file = join(ODD_DIR, ODD);
  const handle = client.open(file, ["write", "create"]);
  client.write(handle, 0, "content");
  client.close(handle);
  for (const name of allBytes()) {
    client.close(client.open(join(ODD_DIR, name), ["write", "create"]));
  }

  const names = [".", "..", ...[ODD, ...allBytes()].map(byteText)];
  const entries = client.list(ODD_DIR);
  assert.deepEqual([...entries.keys()].sort(), names.sort());
  assert.ok(entries.get(byteText(ODD))!.longName.endsWith(` ${byteText(ODD)}`));

  assert.equal(client.attributes(PacketType.stat, file).size, 7);
  client.ok(PacketType.setstat, file, {
    attributes: { size: 3, permissions: 0o600, times: [1, 2] },
  });
  assert.deepEqual(client.attributes(PacketType.lstat, file).times, [1, 2]);
  assert.equal(client.name(PacketType.realpath, file), `${path}/${byteText(join(ODD_DIR, ODD))}`);

  const link = join(ODD_DIR, Uint8Array.of(0xc3));
  client.ok(PacketType.symlink, ODD, link);
  assert.equal(client.name(PacketType.readlink, link), byteText(ODD));
  assert.equal(client.name(PacketType.realpath, link), `${path}/${byteText(join(ODD_DIR, ODD))}`);
  assert.equal(client.attributes(PacketType.stat, link).size, 3);
  const copy = join(ODD_DIR, Uint8Array.of(0xc4));
  assertStatus(client.extended("hardlink@openssh.com", file, copy), Status.ok);
  assertStatus(client.extended("posix-rename@openssh.com", copy, link), Status.ok);
  client.ok(PacketType.rename, link, copy);
  const expanded = readNames(client.extended("expand-path@openssh.com", copy));
  assert.equal(expanded[0]!.name, `${path}/${byteText(copy)}`);
  client.ok(PacketType.remove, copy);
  for (const name of [ODD, ...allBytes()]) client.ok(PacketType.remove, join(ODD_DIR, name));
  client.ok(PacketType.rmdir, ODD_DIR);
  assert.deepEqual([...Deno.readDirSync(path)], []);
});

Deno.test("the names are the very ones of the system", { ignore: !libc }, async () => {
  await using dir = new TempDir();
  using client = new TestClient(libc!, dir.path);
  const script = `printf made > "$(printf 'x\\377\\376y')"; ls -b`;
  const made = new Deno.Command("sh", { args: ["-c", script], cwd: dir.path }).outputSync();
  assert.equal(new TextDecoder().decode(made.stdout), "x\\377\\376y\n");
  const handle = client.open(ODD, ["read"]);
  assert.equal(new TextDecoder().decode(client.read(handle, 0, 10)!), "made");
  client.close(handle);
  // The name that it would be taken for if what is no UTF-8 were replaced.
  client.status(Status.noSuchFile, PacketType.lstat, "x\ufffd\ufffdy");
});

Deno.test("without the C library such a name is refused", async () => {
  await using dir = new TempDir();
  using client = new TestClient(SYSTEMS.find(([name]) => name === "node")![1], dir.path);
  dir.write("x\ufffd\ufffdy", "");
  assert.match(client.status(Status.failure, PacketType.lstat, ODD), /byte sequence/);
  assert.match(client.status(Status.failure, PacketType.remove, ODD), /byte sequence/);
  client.ok(PacketType.remove, "x\ufffd\ufffdy");
});
