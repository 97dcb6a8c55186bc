import assert from "node:assert/strict";
import { formatSize, parseSize } from "../../lib/text/size.ts";

Deno.test("parseSize() reads binary units and plain bytes", () => {
  assert.equal(parseSize("16MiB"), 16 * 1024 * 1024);
  assert.equal(parseSize("512KiB"), 524_288);
  assert.equal(parseSize("65536"), 65_536);
});

for (const text of ["", "MiB", "1.5MiB", "16MB", "-1", "1e3"]) {
  Deno.test(`parseSize() rejects "${text}"`, () => {
    assert.throws(() => parseSize(text), TypeError);
  });
}

Deno.test("formatSize() rounds to one digit", () => {
  assert.equal(formatSize(512), "512 B");
  assert.equal(formatSize(1_536), "1.5 KiB");
  assert.equal(formatSize(95_440_896), "91.0 MiB");
});
