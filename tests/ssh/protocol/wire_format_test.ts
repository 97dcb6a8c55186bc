import { deepEqual, equal, throws } from "node:assert/strict";
import { MalformedError, Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";

Deno.test("Reader gets back what Writer puts", () => {
  const long = "x".repeat(1000);
  const bytes = new Writer().byte(7).boolean(true).uint32(4_000_000_000).string("grün")
    .string(long).raw(Uint8Array.of(1, 2)).bytes();
  const reader = new Reader(bytes);
  equal(reader.byte(), 7);
  equal(reader.boolean(), true);
  equal(reader.uint32(), 4_000_000_000);
  equal(reader.text(), "grün");
  equal(reader.text(), long);
  equal(reader.left, 2);
  deepEqual(reader.rest(), Uint8Array.of(1, 2));
  equal(reader.left, 0);
});

Deno.test("Reader throws at the end of a message", () => {
  throws(() => new Reader(new Uint8Array()).byte(), MalformedError);
  throws(() => new Reader(Uint8Array.of(0, 0, 1)).uint32(), MalformedError);
  throws(() => new Reader(Uint8Array.of(255, 255, 255, 255, 1)).string(), MalformedError);
});

Deno.test("Reader works on a part of a buffer", () => {
  const part = Uint8Array.of(9, 9, 0, 0, 0, 5, 9).subarray(2, 6);
  equal(new Reader(part).uint32(), 5);
});
