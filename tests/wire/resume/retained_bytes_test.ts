import assert from "node:assert/strict";
import { RetainedBytes } from "../../../lib/wire/resume/retained_bytes.ts";

/** Bytes that tell where in the stream they are. */
function bytesFrom(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (start + at) * 7);
}

Deno.test("bytes are there from any offset on until they are released", () => {
  const retained = new RetainedBytes();
  for (const length of [1, 5000, 70_000, 3]) retained.add(bytesFrom(retained.end, length));
  retained.release(4097);
  assert.deepEqual([retained.start, retained.end, retained.length], [4097, 75_004, 70_907]);
  for (const start of [4097, 4098, 65_536, 75_003]) {
    const found: number[] = [];
    for (let at = start; at < retained.end;) {
      const some = retained.from(at);
      found.push(...some);
      at += some.length;
    }
    assert.deepEqual(found, [...bytesFrom(start, retained.end - start)]);
  }
  assert.equal(retained.from(retained.end).length, 0);
});

Deno.test("released bytes take no memory, and few bytes little", () => {
  const retained = new RetainedBytes();
  retained.add(new Uint8Array(10));
  assert.equal(retained.held, 4096);
  retained.add(new Uint8Array(1_000_000));
  assert.ok(retained.held < 1_000_010 + 65_536, `${retained.held}`);
  retained.release(retained.end - 1);
  assert.ok(retained.held <= 65_536, `${retained.held}`);
  retained.release(retained.end);
  assert.equal(retained.held, 0);
});
