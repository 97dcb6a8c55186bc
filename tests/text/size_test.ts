import assert from "node:assert/strict";
import { parseSize } from "../../lib/text/size.ts";

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
