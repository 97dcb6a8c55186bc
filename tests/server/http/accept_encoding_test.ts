import assert from "node:assert/strict";
import { pickEncoding } from "../../../lib/server/http/accept_encoding.ts";

Deno.test("pickEncoding() takes the heaviest, and the first offered of equals", () => {
  const offered = ["zstd", "gzip"];
  for (
    const [header, expected] of [
      [null, undefined],
      ["", undefined],
      ["gzip", "gzip"],
      ["deflate, gzip, br, zstd", "zstd"],
      ["gzip;q=1.0, zstd;q=0.5", "gzip"],
      ["GZIP ; Q=0.8", "gzip"],
      ["*", "zstd"],
      ["zstd;q=0, *", "gzip"],
      ["gzip;q=0", undefined],
      ["gzip;q=0.5, identity", undefined],
      ["gzip;q=nonsense", undefined],
      ["br, deflate", undefined],
    ] as const
  ) {
    assert.equal(pickEncoding(header, offered), expected, `${header}`);
  }
});
