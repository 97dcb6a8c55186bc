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
  for (let i = 0; i < 9; i++) works.push(queue.add(i, 100_000, async () => {}));
  throws(() => queue.add(1, 200_000, async () => {}), MalformedError);
  first.resolve();
  await Promise.all(works);
  await queue.add(1, 200_000, async () => {});
});

Deno.test("RequestQueue has room for thousands of small requests", async () => {
  const queue = new RequestQueue();
  await Promise.all(Array.from({ length: 5000 }, () => queue.add(1, 20, async () => {})));
});
