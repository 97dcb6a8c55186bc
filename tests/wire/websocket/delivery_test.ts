import assert from "node:assert/strict";
import { Delivery } from "../../../lib/wire/websocket/delivery.ts";

function collect(): { delivery: Delivery; got: unknown[] } {
  const got: unknown[] = [];
  const delivery = new Delivery((message) => {
    got.push(typeof message === "string" ? message : [...message]);
  });
  return { delivery, got };
}

Deno.test("parts of the same memory are joined, and text stays in its place", () => {
  const { delivery, got } = collect();
  const read = Uint8Array.of(100, 1, 2, 101, 102, 3, 103, 4, 5);
  delivery.add(read.subarray(1, 3));
  delivery.add(read.subarray(5, 6));
  delivery.add(new Uint8Array());
  delivery.add(read.subarray(7, 9));
  assert.deepEqual(got, []);
  delivery.add("text");
  delivery.add(Uint8Array.of(6));
  delivery.add(Uint8Array.of(7));
  delivery.flush();
  delivery.flush();
  assert.deepEqual(got, [[1, 2, 3, 4, 5], "text", [6], [7]]);
});

Deno.test("memory that is used again is not joined with what was in it before", () => {
  const { delivery, got } = collect();
  const read = Uint8Array.of(1, 2, 3, 4);
  delivery.add(read.subarray(2, 4));
  delivery.add(read.subarray(0, 2));
  delivery.flush();
  assert.deepEqual(got, [[3, 4], [1, 2]]);
});

Deno.test("more is wanted when the sink says so", async () => {
  const later = Promise.withResolvers<void>();
  const answers = [undefined, later.promise, undefined];
  const delivery = new Delivery(() => answers.shift());
  for (const text of ["one", "two", "three"]) delivery.add(text);
  let isWanted = false;
  const wanted = delivery.whenWanted().then(() => isWanted = true);
  await Promise.resolve();
  assert.ok(!isWanted);
  later.resolve();
  await wanted;
  await delivery.whenWanted();
});
