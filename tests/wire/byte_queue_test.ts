import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";

Deno.test("ByteQueue gives the bytes in order, small ones joined", () => {
  const queue = new ByteQueue();
  queue.add(Uint8Array.of(1, 2));
  queue.add(Uint8Array.of());
  queue.add(Uint8Array.of(3));
  assert.equal(queue.length, 3);
  assert.deepEqual([...queue.take()!], [1, 2, 3]);
  assert.equal(queue.length, 0);
  assert.equal(queue.take(), undefined);
});

Deno.test("ByteQueue gives pieces of up to 256 KiB, however the bytes were cut", () => {
  const bytes = new Uint8Array(randomBytes(1_500_000));
  const queue = new ByteQueue();
  const taken: Uint8Array[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 90_001) {
    queue.add(bytes.subarray(at, at + size));
    // Now and then, so that there is a backlog.
    if (size % 5 === 0) taken.push(queue.take()?.slice() ?? new Uint8Array());
  }
  for (let piece = queue.take(); piece; piece = queue.take()) taken.push(piece.slice());
  assert.equal(Math.max(...taken.map(({ length }) => length)), 256 * 1024);
  assert.ok(Buffer.concat(taken).equals(bytes));
});

Deno.test("ByteQueue does not touch what was taken until the next call", () => {
  const queue = new ByteQueue();
  queue.add(Uint8Array.of(1));
  const taken = queue.take()!;
  queue.add(Uint8Array.of(2));
  queue.clear();
  queue.add(Uint8Array.of(3));
  assert.deepEqual([...taken], [1]);
  assert.deepEqual([...queue.take()!], [3]);
});

Deno.test("ByteQueue uses memory again", () => {
  const queue = new ByteQueue();
  queue.add(new Uint8Array(100_000));
  const first = queue.take()!;
  assert.equal(queue.take(), undefined);
  queue.add(new Uint8Array(100_000));
  assert.equal(queue.take()!.buffer, first.buffer);
});

Deno.test("many queues with little in them take little memory", () => {
  for (let count = 0; count < 1000; count++) {
    const queue = new ByteQueue();
    for (let byte = 0; byte < 100; byte++) queue.add(Uint8Array.of(byte));
    assert.ok(queue.take()!.buffer.byteLength <= 4096);
  }
});
