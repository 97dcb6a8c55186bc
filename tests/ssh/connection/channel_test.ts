import { deepEqual, equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes, randomInt } from "node:crypto";
import { TransportChannel } from "../../../lib/ssh/connection/channel.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";

/** A channel whose answers go nowhere. */
function openChannel(): TransportChannel {
  const transport = { send() {}, isWritable: true } as unknown as Transport;
  return new TransportChannel(transport, {
    localId: 0,
    remoteId: 0,
    window: 0,
    packetSize: 32_768,
  });
}

Deno.test("a channel gives what has come, in pieces of any size and read at any time", async () => {
  const channel = openChannel();
  const sent = randomBytes(1_000_000);
  const read: Uint8Array[] = [];
  let waiting = 0;
  for (let start = 0; start < sent.length;) {
    const size = randomInt(10) === 0 ? randomInt(1, 20_000) : randomInt(1, 20);
    const piece = sent.subarray(start, start + size);
    channel.receive(piece);
    start += piece.length;
    waiting += piece.length;
    while (waiting > 0 && randomInt(5) === 0) {
      read.push((await channel.read())!);
      waiting -= read.at(-1)!.length;
    }
  }
  channel.receiveEnd();
  for (let bytes = await channel.read(); bytes; bytes = await channel.read()) read.push(bytes);
  equal(Buffer.concat(read).equals(sent), true);
});

Deno.test("a channel keeps no packet for a single character", async () => {
  const channel = openChannel();
  const packets = Array.from({ length: 100_000 }, (_, i) => Buffer.alloc(200, i % 256));
  for (const packet of packets) channel.receive(packet.subarray(0, 1));
  channel.receiveEnd();
  const expected = Buffer.concat(packets.map((packet) => packet.subarray(0, 1)));
  // Spoils what the channel has not copied.
  for (const packet of packets.slice(1)) packet.fill(0);
  const read: Uint8Array[] = [];
  for (let bytes = await channel.read(); bytes; bytes = await channel.read()) read.push(bytes);
  deepEqual(Buffer.concat(read), expected);
});
