import { deepEqual, throws } from "node:assert/strict";
import { RequestQueue } from "../../../lib/ssh/connection/request_queue.ts";
import { MalformedError } from "../../../lib/ssh/protocol/wire_format.ts";

Deno.test("RequestQueue deals with the requests under a key in their order", async () => {
  const queue = new RequestQueue();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const works = [
    queue.add(1, 0, () => first.promise.then(() => void done.push("first"))),
    queue.add(1, 0, () => Promise.resolve(void done.push("second"))),
    queue.add(2, 0, () => Promise.resolve(void done.push("other"))),
  ];
  await works[2];
  first.resolve();
  await Promise.all(works);
  deepEqual(done, ["other", "first", "second"]);
});

Deno.test("RequestQueue takes a megabyte, and more once that is done", async () => {
  const queue = new RequestQueue();
  const first = Promise.withResolvers<void>();
  const works = [queue.add(1, 0, () => first.promise)];
  const add = (size: number) => works.push(queue.add(works.length, size, async () => {}));
  for (let i = 0; i < 9; i++) add(100_000);
  // Each counts 100 bytes more.
  const rest = 1024 * 1024 - 9 * 100_000 - 11 * 100;
  throws(() => add(rest + 1), MalformedError);
  add(rest);
  throws(() => add(0), MalformedError);
  first.resolve();
  await Promise.all(works);
  await queue.add(1, 200_000, async () => {});
});

Deno.test("RequestQueue has room for thousands of small requests", async () => {
  const queue = new RequestQueue();
  await Promise.all(Array.from({ length: 5000 }, () => queue.add(1, 20, async () => {})));
});
