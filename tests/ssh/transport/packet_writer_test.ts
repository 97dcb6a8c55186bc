import assert from "node:assert/strict";
import { PacketWriter } from "../../../lib/ssh/transport/packet_writer.ts";

Deno.test("PacketWriter joins packets into large pieces, and counts what waits", () => {
  const writer = new PacketWriter();
  for (let i = 0; i < 100; i++) writer.add(new Uint8Array(30_000));
  const all = writer.pendingBytes;
  assert.ok(all > 3_000_000 && all < 3_010_000);
  let [count, size] = [0, 0];
  for (let batch = writer.take(); batch; batch = writer.take()) {
    count++;
    size += batch.length;
    assert.ok(batch.length <= 264 * 1024);
    assert.equal(writer.pendingBytes, all - size + batch.length);
  }
  assert.deepEqual([count, size, writer.pendingBytes], [12, all, 0]);
});

Deno.test("PacketWriter does not touch a piece that is being written", () => {
  const writer = new PacketWriter();
  writer.add(Uint8Array.of(1, 2, 3));
  const batch = writer.take()!;
  const before = batch.slice();
  writer.add(new Uint8Array(100).fill(7));
  assert.deepEqual(batch, before);
  assert.notEqual(writer.take()!.buffer, before.buffer);
});

Deno.test("PacketWriter takes a packet that is larger than a piece", () => {
  const writer = new PacketWriter();
  writer.add(Uint8Array.of(1));
  writer.add(new Uint8Array(300_000));
  writer.add(Uint8Array.of(1));
  const sizes: number[] = [];
  for (let batch = writer.take(); batch; batch = writer.take()) sizes.push(batch.length);
  assert.deepEqual(sizes, [16, 300_016, 16]);
});
