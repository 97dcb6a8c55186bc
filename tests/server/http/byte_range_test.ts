import assert from "node:assert/strict";
import { parseRange } from "../../../lib/server/http/byte_range.ts";

Deno.test("parseRange() understands one range and ignores the rest", () => {
  for (
    const [header, expected] of [
      [null, undefined],
      ["bytes=0-0", { start: 0, end: 1 }],
      ["bytes=10-", { start: 10, end: 100 }],
      ["bytes=-10", { start: 90, end: 100 }],
      ["bytes=-1000", { start: 0, end: 100 }],
      ["bytes=90-1000", { start: 90, end: 100 }],
      ["bytes=100-", "unsatisfiable"],
      ["bytes=-0", "unsatisfiable"],
      ["bytes=20-10", undefined],
      ["bytes=-", undefined],
      ["bytes=0-1,5-6", undefined],
      ["lines=0-1", undefined],
      // With steps for each pair of characters this would take minutes, and the server with it.
      [`bytes=${" ".repeat(1_000_000)}x`, undefined],
    ] as const
  ) {
    assert.deepEqual(parseRange(header, 100), expected, header?.slice(0, 50));
  }
});
