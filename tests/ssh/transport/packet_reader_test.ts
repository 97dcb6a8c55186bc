import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes, randomInt } from "node:crypto";
import { PLAIN } from "../../../lib/ssh/transport/ciphers/cipher.ts";
import { PacketReader } from "../../../lib/ssh/transport/packet_reader.ts";
import { PacketWriter } from "../../../lib/ssh/transport/packet_writer.ts";

/** Packets with these payloads, as they are sent. */
function packets(payloads: Uint8Array[]): Uint8Array {
  const writer = new PacketWriter();
  for (const payload of payloads) writer.add(payload);
  const batches: Uint8Array[] = [];
  for (let batch = writer.take(); batch; batch = writer.take()) batches.push(batch.slice());
  return Buffer.concat(batches);
}

/** A reader that has got a packet with this length field and nothing else. */
function readerAt(length: number): PacketReader {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(length);
  const reader = new PacketReader();
  reader.add(head);
  return reader;
}

Deno.test("PacketReader.next() reads packets however they are cut", () => {
  const payloads = Array.from({ length: 200 }, () => randomBytes(randomInt(1, 3000)));
  const bytes = packets(payloads);
  for (const longest of [1, 7, 100, 5000, bytes.length]) {
    const reader = new PacketReader();
    const read: Uint8Array[] = [];
    for (let start = 0; start < bytes.length;) {
      const piece = bytes.subarray(start, start + randomInt(1, longest + 1));
      start += piece.length;
      reader.add(piece.slice());
      for (let next = reader.next(); next; next = reader.next()) read.push(next.slice());
    }
    assert.equal(reader.sequence, payloads.length);
    assert.ok(Buffer.concat(read).equals(Buffer.concat(payloads)));
    assert.equal(read.length, payloads.length);
  }
});

Deno.test("PacketReader.next() takes packets of 35,000 bytes, or of 256 KiB once that is allowed", () => {
  // With the length field itself these are 35,000 bytes and 256 KiB.
  for (const [most, long] of [[34_996, false], [262_140, true]] as const) {
    const payload = new Uint8Array(most - 8);
    const reader = new PacketReader();
    if (long) reader.allowLongPackets();
    reader.add(packets([payload]));
    assert.equal(reader.next()!.length, payload.length);
    const longer = readerAt(most + 8);
    if (long) longer.allowLongPackets();
    assert.throws(() => longer.next(), /length is invalid/);
  }
  assert.throws(() => readerAt(2 ** 32 - 4).next(), /length is invalid/);
});

Deno.test("PacketReader.next() refuses a length that is too short or not padded", () => {
  for (const length of [0, 1, 4, 11, 13, 19]) {
    assert.throws(() => readerAt(length).next(), /length is invalid/, `${length}`);
  }
});

Deno.test("PacketReader.next() refuses a packet without a payload", () => {
  for (const padding of [11, 12, 255]) {
    const packet = Buffer.alloc(16, padding);
    packet.writeUInt32BE(12);
    const reader = new PacketReader();
    reader.add(packet);
    assert.throws(() => reader.next(), /empty packet/, `${padding}`);
  }
});

Deno.test("PacketReader.next() uses memory again for packets in pieces, if it is not much", () => {
  const reader = new PacketReader();
  reader.allowLongPackets();
  const buffers = [30_000, 30_000, 100_000, 100_000].map((size) => {
    const bytes = packets([new Uint8Array(size)]);
    reader.add(bytes.slice(0, 100));
    assert.equal(reader.next(), undefined);
    reader.add(bytes.slice(100));
    return reader.next()!.buffer;
  });
  assert.equal(buffers[0], buffers[1]);
  assert.notEqual(buffers[2], buffers[3]);
});

Deno.test("PacketReader.next() counts packets modulo 2^32, or from 0 with new keys", () => {
  const reader = new PacketReader();
  reader.add(packets([new Uint8Array(1), new Uint8Array(1), new Uint8Array(1)]));
  reader.next();
  reader.setOpener(PLAIN, false);
  reader.next();
  assert.equal(reader.sequence, 2);
  reader.setOpener(PLAIN, true);
  reader.next();
  assert.equal(reader.sequence, 1);
});
