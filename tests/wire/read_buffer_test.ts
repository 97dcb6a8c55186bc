import assert from "node:assert/strict";
import { ReadBuffer } from "../../lib/wire/read_buffer.ts";

/** Gives so many bytes at each read, or as many as fit; remembers the sizes of the buffers. */
class Source {
  readonly sizes: number[] = [];
  readonly #counts: number[];

  constructor(...counts: number[]) {
    this.#counts = counts;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    this.sizes.push(buffer.length);
    const count = this.#counts.shift();
    if (count === undefined) return Promise.resolve(null);
    const part = buffer.subarray(0, count);
    part.fill(this.sizes.length);
    return Promise.resolve(part.length);
  }
}

Deno.test("ReadBuffer is large only while much comes", async () => {
  const [small, large] = [8 * 1024, 256 * 1024];
  const source = new Source(10, 5_000, 300_000, 300_000, 5_000, 10, 10);
  const buffer = new ReadBuffer(source);
  const lengths = [];
  for (let bytes = await buffer.read(); bytes; bytes = await buffer.read()) {
    assert.ok(bytes.every((byte) => byte === source.sizes.length));
    lengths.push(bytes.length);
  }
  assert.deepEqual(lengths, [10, 5_000, small, large, 5_000, 10, 10]);
  assert.deepEqual(source.sizes, [small, small, small, large, large, large, small, small]);
  buffer.free();
});

Deno.test("ReadBuffer takes memory for a read, not before, and may be freed twice", async () => {
  const source = new Source(1);
  const [first, second] = [new ReadBuffer(source), new ReadBuffer(source)];
  const { buffer } = (await first.read())!;
  first.free();
  first.free();
  assert.equal(await second.read(), null);
  assert.equal(source.sizes.length, 2);
  assert.ok(buffer.byteLength >= 1);
});
