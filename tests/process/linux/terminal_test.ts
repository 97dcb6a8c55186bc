import { deepEqual, equal } from "node:assert/strict";

const ignore = Deno.build.os !== "linux";
const { applyModes } = ignore
  ? {} as never
  : await import("../../../lib/process/linux/terminal.ts");

Deno.test(
  "applyModes() sets characters, flags and the size, and leaves the rest",
  { ignore },
  () => {
    const before = new Uint8Array(60).fill(0xff);
    const after = before.slice();
    applyModes(new DataView(after.buffer), {
      1: 2,
      2: 255,
      53: 0,
      90: 1,
      91: 0,
      128: 38_400,
      999: 1,
    });
    const changed = [...after.keys()].filter((at) => after[at] !== before[at]);
    // The control word, the local word, VINTR and VQUIT.
    deepEqual(changed, [8, 12, 17, 18]);
    equal(after[8], 0xff & ~0o60 | 0o40);
    equal(after[12], 0xff & ~0o10);
    deepEqual([...after.subarray(17, 19)], [2, 0]);
  },
);
