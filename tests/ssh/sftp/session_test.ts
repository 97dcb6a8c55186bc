import assert from "node:assert/strict";
import { PacketType, Status } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { MalformedError, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { TempDir } from "../../support/program.ts";
import { assertStatus, decodeReplies, encodePacket, SYSTEMS, TestClient } from "./test_client.ts";

const create = SYSTEMS[0]![1];

Deno.test("a request of an unknown kind is refused, and the next one served", async () => {
  await using dir = new TempDir();
  using client = new TestClient(create, dir.path);
  for (const type of [0, 2, 21, 22, 99, 101, 105, 201, 255]) {
    client.status(Status.opUnsupported, type, "whatever");
  }
  const reply = client.extended("unknown@example.com", "whatever");
  assert.match(assertStatus(reply, Status.opUnsupported), /unknown@example.com/);
  client.attributes(PacketType.stat, ".");
});

Deno.test("a packet that is cut off ends the session", async (t) => {
  await using dir = new TempDir();
  const complete: [name: string, packet: Uint8Array][] = [
    ["open", encodePacket(PacketType.open, 1, "file", 1, { attributes: { size: 5 } })],
    ["read", encodePacket(PacketType.read, 1, new Uint8Array(4), 0n, 5)],
    ["setstat", encodePacket(PacketType.setstat, 1, "missing", { attributes: { times: [1, 2] } })],
    ["rename", encodePacket(PacketType.rename, 1, "missing", "other")],
    [
      "copy-data",
      encodePacket(
        ...[PacketType.extended, 1, "copy-data", new Uint8Array(4)] as const,
        ...[0n, 0n, new Uint8Array(4), 0n],
      ),
    ],
  ];
  for (const [name, packet] of complete) {
    await t.step(name, () => {
      for (let length = 1; length < packet.length - 4; length++) {
        const cut = new Writer().uint32(length).raw(packet.subarray(4, 4 + length)).bytes();
        using client = new TestClient(create, dir.path);
        // Some cuts leave a request that fails for another reason; none may succeed.
        try {
          const [reply] = decodeReplies(client.exchange(Uint8Array.from(cut)));
          assert.equal(reply!.type, PacketType.status);
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
        }
      }
    });
  }
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("packets with wrong bytes end the session or are answered, nothing else", async () => {
  await using dir = new TempDir();
  using client = new TestClient(create, dir.path);
  const attributes = { attributes: { permissions: 0o600, times: [1, 2] as [number, number] } };
  const handle = new Uint8Array(4);
  const packets = [
    encodePacket(PacketType.open, 1, "file", 11, attributes),
    encodePacket(PacketType.read, 1, handle, 0n, 10),
    encodePacket(PacketType.write, 1, handle, 0n, "content"),
    encodePacket(PacketType.setstat, 1, "file", attributes),
    encodePacket(PacketType.opendir, 1, "."),
    encodePacket(PacketType.readdir, 1, handle),
    encodePacket(PacketType.realpath, 1, "file"),
    encodePacket(PacketType.symlink, 1, "file", "link"),
    encodePacket(PacketType.extended, 1, "statvfs@openssh.com", "file"),
    encodePacket(PacketType.extended, 1, "users-groups-by-id@openssh.com", handle, handle),
  ];
  for (let round = 0; round < 3000; round++) {
    const packet = packets[round % packets.length]!.slice();
    const [where, what] = crypto.getRandomValues(new Uint8Array(2));
    // Neither the length of the packet nor its type: those lead elsewhere.
    packet[5 + where! % (packet.length - 5)]! ^= what!;
    using session = client.anotherSession();
    try {
      decodeReplies(client.exchange(packet, session));
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
    }
  }
});

Deno.test("numbers of attributes that are not there cannot keep the server busy", async () => {
  await using dir = new TempDir();
  using client = new TestClient(create, dir.path);
  const body = new Writer().byte(PacketType.setstat).uint32(1).string("x")
    .uint32(0x80000000).uint32(0xffffffff).bytes();
  const packet = Uint8Array.from(new Writer().string(body).bytes());
  assert.throws(() => client.exchange(packet), MalformedError);
});

Deno.test("a request before SSH_FXP_INIT ends the session", async () => {
  await using dir = new TempDir();
  using client = new TestClient(create, dir.path, { greet: false });
  assert.throws(
    () => client.exchange(encodePacket(PacketType.stat, 1, ".")),
    /before SSH_FXP_INIT/,
  );
});
