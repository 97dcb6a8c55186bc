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
    packetSize: 32_768,
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

/** A channel of the client's number 9 whose messages are kept as they are. */
function recorded(window = 1000): { channel: TransportChannel; sent: string[] } {
  const sent: string[] = [];
  const transport = {
    isWritable: true,
    packetSize: 32_768,
    send: (message: Uint8Array) => sent.push(Buffer.from(message).toString("latin1")),
    sendData: (_: number, data: Uint8Array, extended = 0) =>
      sent.push(`${extended}:${Buffer.from(data)}`),
  } as unknown as Transport;
  const limits = { localId: 0, remoteId: 9, window, packetSize: 1000 };
  const incoming = new ReceiveBudget(() => {}).open();
  const queue = new SendQueue(transport);
  return { channel: new TransportChannel(transport, limits, { queue, incoming }), sent };
}

/** A message of this type to the channel. */
function message(type: number, rest = ""): string {
  return `${String.fromCharCode(type)}\0\0\0\x09${rest}`;
}

const [EOF, CLOSE, REQUEST, SUCCESS, FAILURE] = [96, 97, 98, 99, 100];

Deno.test("a channel's messages are those of RFC 4254", async () => {
  const { channel, sent } = recorded();
  await channel.write(Buffer.from("out"));
  await channel.writeStderr(Buffer.from("err"));
  channel.request("ping");
  channel.request("exit-status", new Uint8Array([0, 0, 0, 3]));
  channel.reply(true);
  channel.reply(false);
  await channel.end();
  await channel.end();
  channel.close();
  deepEqual(sent, [
    "0:out",
    "1:err",
    message(REQUEST, "\0\0\0\x04ping\0"),
    message(REQUEST, "\0\0\0\x0bexit-status\0\0\0\0\x03"),
    message(SUCCESS),
    message(FAILURE),
    message(EOF),
    message(CLOSE),
  ]);
});

Deno.test("a closed channel sends nothing more, on either side's close", async () => {
  for (const close of ["close", "receiveClose"] as const) {
    const { channel, sent } = recorded();
    channel[close]();
    channel.close();
    channel.request("ping");
    channel.reply(true);
    await channel.end();
    channel.receiveClose();
    deepEqual(sent, [message(CLOSE)]);
    equal(await channel.read(), null);
    equal(await channel.closed, undefined);
  }
});

Deno.test("a channel is closed once, with the first reason, when the client agrees", async () => {
  const { channel } = recorded();
  const lost = new Error("lost");
  let closed = false;
  channel.closed.then(() => closed = true);
  channel.close();
  await Promise.resolve();
  equal(closed, false);
  channel.receiveClose(lost);
  channel.receiveClose();
  equal(await channel.closed, lost);
});

Deno.test("data after the client's end, and empty data, is not read", async () => {
  const { channel } = recorded();
  let woken = false;
  const reading = channel.read().then((bytes) => (woken = true, bytes));
  channel.receive(new Uint8Array());
  for (let i = 0; i < 5; i++) await Promise.resolve();
  equal(woken, false);
  channel.receive(Buffer.from("in"));
  equal(`${Buffer.from((await reading)!)}`, "in");
  channel.receiveEnd();
  channel.receive(Buffer.from("late"));
  equal(await channel.read(), null);
});

Deno.test("a client is asked for more once it has used its window, and not after its end", async () => {
  const { channel, sent } = recorded();
  channel.receive(new Uint8Array(1000));
  await channel.read();
  deepEqual(sent, []);
  for (let i = 0; i < 3; i++) channel.receive(new Uint8Array(5_000));
  channel.receiveEnd();
  while (await channel.read() !== null);
  deepEqual(sent, []);
});

Deno.test("what a writer has not sent when the channel ends is not sent", async () => {
  const { channel, sent } = recorded(3);
  const written = channel.write(Buffer.from("12345"));
  await channel.end();
  await rejects(written, /the channel is closed/);
  channel.receiveWindow(1000);
  deepEqual(sent, ["0:123", message(EOF)]);
});

Deno.test("a writer waits for the transport, and what is closed meanwhile is not sent", async () => {
  const sent: string[] = [];
  const writable = Promise.withResolvers<void>();
  const transport = {
    isWritable: false,
    writable: () => writable.promise,
    send: (message: Uint8Array) => sent.push(Buffer.from(message).toString("latin1")),
    sendData: () => sent.push("data"),
  } as unknown as Transport;
  const channel = new TransportChannel(
    transport,
    { localId: 0, remoteId: 9, window: 1000, packetSize: 1000 },
    { queue: new SendQueue(transport), incoming: new ReceiveBudget(() => {}).open() },
  );
  let written = false;
  const writing = channel.write(new Uint8Array(10)).then(() => written = true);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  equal(written, false);
  channel.close();
  writable.resolve();
  await writing;
  deepEqual(sent, [message(CLOSE)]);
});
