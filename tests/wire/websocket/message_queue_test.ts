import assert from "node:assert/strict";
import { MessageQueue } from "../../../lib/wire/websocket/message_queue.ts";

Deno.test("MessageQueue gives messages in order, then its end", async () => {
  const queue = new MessageQueue<string>(1000);
  queue.add("a");
  queue.add("b");
  queue.end();
  queue.add("too late");
  assert.deepEqual([await queue.next(), await queue.next(), await queue.next()], ["a", "b", null]);
  assert.equal(await queue.next(), null);
});

Deno.test("MessageQueue hands a message to who waits for it", async () => {
  const queue = new MessageQueue<string>(1000);
  const waiting = queue.next();
  await assert.rejects(queue.next(), /twice/);
  queue.add("a");
  assert.equal(await waiting, "a");
});

Deno.test("MessageQueue gives an error after the messages before it, to a waiting reader too", async () => {
  const queue = new MessageQueue<string>(1000);
  queue.add("a");
  queue.end(new Error("lost"));
  assert.equal(await queue.next(), "a");
  await assert.rejects(queue.next(), /lost/);
  const other = new MessageQueue<string>(1000);
  const waiting = other.next();
  other.end(new Error("lost"));
  await assert.rejects(waiting, /lost/);
});

Deno.test("MessageQueue has no room while it is full, counting empty messages too", async () => {
  const queue = new MessageQueue<string>(100);
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
  const queue = new MessageQueue<string>(10);
  queue.add("x".repeat(100));
  const waiting = queue.room();
  queue.drop();
  await waiting;
  assert.equal(await queue.next(), null);
});
