import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../support/program.ts";
import { ROOT } from "../support/root.ts";

/** Checks many passwords at once, over and over, and prints by how much memory has grown. */
const SCRIPT = `
import { scrypt } from "node:crypto";
import { freeLargeBlocks } from "${join(ROOT, "lib/program/large_blocks.ts")}";
freeLargeBlocks();
const check = () => new Promise((resolve) => scrypt("pw", "salt", 32, { N: 16384, r: 8 }, resolve));
const before = Deno.memoryUsage().rss;
for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 16 }, check));
console.log((Deno.memoryUsage().rss - before) / 2 ** 20);
`;

Deno.test({
  name: "freeLargeBlocks() leaves nothing of what checks of passwords took",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { stdout, stderr } = await run(Deno.execPath(), ["eval", SCRIPT]);
    assert.ok(Number(stdout) < 64, `${stdout} MiB ${stderr}`);
  },
});
