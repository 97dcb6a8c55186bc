import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../support/program.ts";
import { ROOT } from "../support/root.ts";

const IMPORT = `import { giveFreeMemoryBack } from "${join(ROOT, "lib/program/free_memory.ts")}";`;

/** Checks many passwords at once, over and over, and prints by how much memory has grown. */
const PASSWORDS = `
import { scrypt } from "node:crypto";
${IMPORT}
giveFreeMemoryBack();
const check = () => new Promise((resolve) => scrypt("pw", "salt", 32, { N: 16384, r: 8 }, resolve));
const before = Deno.memoryUsage().rss;
for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 16 }, check));
console.log((Deno.memoryUsage().rss - before) / 2 ** 20);
`;

/** Frees 128 MiB between blocks that stay, and prints when most of that is back at the system. */
const HOLES = `
${IMPORT}
giveFreeMemoryBack();
const { symbols } = Deno.dlopen("libc.so.6", {
  calloc: { parameters: ["usize", "usize"], result: "pointer" },
  memset: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
});
// Deno itself gives memory back once the main module has run.
await new Promise((resolve) => setTimeout(resolve));
const before = Deno.memoryUsage().rss;
const blocks = Array.from({ length: 1024 }, () => symbols.calloc(1n, 2n ** 17n));
for (const block of blocks) symbols.memset(block, 1, 2n ** 17n);
blocks.forEach((block, i) => i % 8 && symbols.free(block));
const taken = Deno.memoryUsage().rss - before;
while (Deno.memoryUsage().rss - before > taken / 2) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
console.log("given back");
Deno.exit();
`;

for (
  const [name, script, isGood] of [
    ["of what checks of passwords took", PASSWORDS, (text: string) => Number(text) < 64],
    ["between blocks that stay", HOLES, (text: string) => text === "given back\n"],
  ] as const
) {
  Deno.test({
    name: `giveFreeMemoryBack() leaves little ${name}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const { stdout, stderr } = await run(Deno.execPath(), ["eval", script]);
      assert.ok(isGood(stdout), `${stdout} ${stderr}`);
    },
  });
}
