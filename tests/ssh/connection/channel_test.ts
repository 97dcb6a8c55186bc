import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes, randomInt } from "node:crypto";
import { TransportChannel } from "../../../lib/ssh/connection/channel.ts";
import { ReceiveBudget } from "../../../lib/ssh/connection/receive_window.ts";
import { SendQueue } from "../../../lib/ssh/connection/send_queue.ts";
import { MalformedError } from "../../../lib/ssh/protocol/wire_format.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";

/** What a channel has sent: data by its length, other messages by their type and last number. */
type Sent = { data: number } | { type: number; number: number };

/** A channel whose messages are recorded. */
function openChannel(window = 0, packetSize = 32_768, sent: Sent[] = []): TransportChannel {
  const transport = {
    isWritable: true,
    send: (message: Uint8Array) =>
      sent.push({ type: message[0]!, number: Buffer.from(message.subarray(-4)).readUint32BE() }),
    sendData: (_: number, data: Uint8Array) => sent.push({ data: data.length }),
  } as unknown as Transport;
  const limits = { localId: 0, remoteId: 0, window, packetSize };
  const queue = new SendQueue(transport);
  return new TransportChannel(transport, limits, {
    queue,
    incoming: new ReceiveBudget(() => {}).open(),
  });
}

Deno.test("a client may send as much as the channel's window, and more once that is read", async () => {
  const sent: Sent[] = [];
  const channel = openChannel(0, 32_768, sent);
  for (let i = 0; i < 4; i++) channel.receive(new Uint8Array(4_096));
  throws(() => channel.receive(new Uint8Array(1)), MalformedError);
  let read = 0;
  while (read < 16_384) read += (await channel.read())!.length;
  const granted = sent.map((message) => "number" in message ? message.number : 0);
  equal(granted.reduce((sum, bytes) => sum + bytes, 0), 24_576);
  channel.receive(new Uint8Array(24_576));
  throws(() => channel.receive(new Uint8Array(1)), MalformedError);
});

Deno.test("a channel sends as much as the client's window, in packets that the client takes", async () => {
  const sent: Sent[] = [];
  const channel = openChannel(2500, 1000, sent);
  const written = channel.write(new Uint8Array(5000));
  deepEqual(sent, [1000, 1000, 500].map((data) => ({ data })));
  channel.receiveWindow(100);
  await Promise.resolve();
  channel.receiveWindow(2400);
  await written;
  deepEqual(sent.slice(3), [100, 1000, 1000, 400].map((data) => ({ data })));
  const large = openChannel(100_000, 100_000, sent);
  await large.write(new Uint8Array(40_000));
  deepEqual(sent.slice(7), [32_768, 7_232].map((data) => ({ data })));
});

Deno.test("a window never exceeds 2^32 - 1", async () => {
  const sent: Sent[] = [];
  const channel = openChannel(2 ** 32 - 1, 32_768, sent);
  channel.receiveWindow(2 ** 32 - 1);
  await channel.write(new Uint8Array(1));
  equal(sent.length, 1);
});

Deno.test("a closed channel takes no writes and wakes who waits", async () => {
  const channel = openChannel(1);
  const written = channel.write(new Uint8Array(2));
  const read = channel.read();
  channel.close();
  await rejects(written, /the channel is closed/);
  equal(await read, null);
  const ended = openChannel(100);
  await ended.end();
  await rejects(ended.write(new Uint8Array(1)), /the channel is closed/);
});

Deno.test("a channel gives what has come, in pieces of any size and read at any time", async () => {
  const channel = openChannel();
  const sent = randomBytes(1_000_000);
  const read: Uint8Array[] = [];
  let waiting = 0;
  for (let start = 0; start < sent.length;) {
    const size = randomInt(10) === 0 ? randomInt(1, 4_000) : randomInt(1, 20);
    const piece = sent.subarray(start, start + size);
    channel.receive(piece);
    start += piece.length;
    waiting += piece.length;
    while (waiting > 4_000 || waiting > 0 && randomInt(5) === 0) {
      read.push((await channel.read())!.slice());
      waiting -= read.at(-1)!.length;
    }
  }
  channel.receiveEnd();
  for (let bytes = await channel.read(); bytes; bytes = await channel.read()) {
    read.push(bytes.slice());
  }
  equal(Buffer.concat(read).equals(sent), true);
});

Deno.test("a channel keeps no packet for a single character", async () => {
  const channel = openChannel();
  const packets = Array.from({ length: 16_000 }, (_, i) => Buffer.alloc(200, i % 256));
  for (const packet of packets) channel.receive(packet.subarray(0, 1));
  channel.receiveEnd();
  const expected = Buffer.concat(packets.map((packet) => packet.subarray(0, 1)));
  // Spoils what the channel has not copied.
  for (const packet of packets) packet.fill(0);
  const read: Uint8Array[] = [];
  for (let bytes = await channel.read(); bytes; bytes = await channel.read()) {
    read.push(bytes.slice());
  }
  deepEqual(Buffer.concat(read), expected);
});
