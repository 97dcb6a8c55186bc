import assert from "node:assert/strict";
import { similarName } from "../../lib/cli/similar_name.ts";

const NAMES = ["wait", "stop", "status", "end", "keygen"];

Deno.test("similarName() knows a word with a letter wrong, missing, too many or swapped", () => {
  for (
    const [word, name] of [
      ["stauts", "status"],
      ["statu", "status"],
      ["statuss", "status"],
      ["wiat", "wait"],
      ["ned", "end"],
      ["key-gen", "keygen"],
      ["status", undefined],
      ["localhost:8000", undefined],
      ["https://end", undefined],
      ["go", undefined],
      ["", undefined],
      ["x".repeat(1_000_000), undefined],
    ] as const
  ) assert.equal(similarName(word, NAMES), name, word.slice(0, 40));
});
