import assert from "node:assert/strict";
import { MessageQueue } from "../../../lib/wire/websocket/message_queue.ts";

Deno.test("MessageQueue gives messages in order, then its end", async () => {
  const queue = new MessageQueue(1000);
  queue.add("a");
  queue.add("b");
  queue.end();
  queue.add("too late");
  assert.deepEqual([await queue.next(), await queue.next(), await queue.next()], ["a", "b", null]);
  assert.equal(await queue.next(), null);
});

Deno.test("MessageQueue hands a message to who waits for it", async () => {
  const queue = new MessageQueue(1000);
  const waiting = queue.next();
  await assert.rejects(queue.next(), /twice/);
  queue.add("a");
  assert.equal(await waiting, "a");
});

Deno.test("MessageQueue gives an error after the messages before it, to a waiting reader too", async () => {
  const queue = new MessageQueue(1000);
  queue.add("a");
  queue.end(new Error("lost"));
  assert.equal(await queue.next(), "a");
  await assert.rejects(queue.next(), /lost/);
  const other = new MessageQueue(1000);
  const waiting = other.next();
  other.end(new Error("lost"));
  await assert.rejects(waiting, /lost/);
});

Deno.test("MessageQueue has no room while it is full, counting empty messages too", async () => {
  const queue = new MessageQueue(100);
  await queue.room();
  for (let i = 0; i < 10; i++) queue.add("");
  let room = false;
  const waiting = queue.room().then(() => room = true);
  assert.equal(queue.paused, true);
  for (let i = 0; i < 8; i++) await queue.next();
  assert.equal(room, false);
  await queue.next();
  await waiting;
  assert.equal(queue.paused, false);
});

Deno.test("MessageQueue makes room when it is dropped", async () => {
  const queue = new MessageQueue(10);
  queue.add("x".repeat(100));
  const waiting = queue.room();
  queue.drop();
  await waiting;
  assert.equal(await queue.next(), null);
});

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("MessageQueue joins parts that wait, and keeps them in order with messages", async () => {
  const queue = new MessageQueue(100_000);
  queue.addPart(bytes(1, 2));
  queue.addPart(bytes(3));
  queue.add("text");
  queue.addPart(bytes(4));
  queue.addPart(bytes());
  queue.end();
  assert.deepEqual(await queue.next(), bytes(1, 2, 3));
  assert.equal(await queue.next(), "text");
  assert.deepEqual(await queue.next(), bytes(4));
  assert.equal(await queue.next(), null);
});

Deno.test("MessageQueue hands a part to who waits for it, good until the next call", async () => {
  const queue = new MessageQueue(100_000);
  const waiting = queue.next();
  const part = bytes(1);
  queue.addPart(part);
  part.fill(9);
  queue.addPart(bytes(2));
  assert.deepEqual([...(await waiting)!], [1]);
  assert.deepEqual(await queue.next(), bytes(2));
});

Deno.test("MessageQueue counts the memory of parts, and gives it back", async () => {
  const queue = new MessageQueue(20_000);
  for (let count = 0; count < 4; count++) {
    queue.addPart(bytes(1));
    queue.add("x");
  }
  await queue.room();
  queue.addPart(bytes(1));
  let room = false;
  const waiting = queue.room().then(() => room = true);
  await queue.next();
  await waiting;
  for (let count = 0; count < 8; count++) await queue.next();
  assert.ok(room);
  queue.addPart(new Uint8Array(15_000));
  await queue.room();
});
