import assert from "node:assert/strict";
import { writeText } from "../../lib/log/write_text.ts";

Deno.test("writeText() writes all, however little is taken at a time", () => {
  let written = "";
  writeText({
    writeSync(bytes) {
      written += String.fromCharCode(...bytes.subarray(0, 2));
      return Math.min(bytes.length, 2);
    },
  }, "seven b");
  assert.equal(written, "seven b");
});

Deno.test("writeText() does not throw when nothing reads it", () => {
  writeText({
    writeSync() {
      throw new Deno.errors.BrokenPipe();
    },
  }, "lost");
});
