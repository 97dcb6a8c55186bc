import { deepEqual } from "node:assert/strict";

const ignore = Deno.build.os !== "linux";
const { decodeStatus } = ignore
  ? {} as never
  : await import("../../../lib/process/linux/children.ts");

Deno.test("decodeStatus() tells codes from signals", { ignore }, () => {
  deepEqual(decodeStatus(0x0700), { code: 7 });
  deepEqual(decodeStatus(9), { signal: "KILL", coreDumped: false });
  deepEqual(decodeStatus(0x86), { signal: "ABRT", coreDumped: true });
  deepEqual(decodeStatus(31), { code: 159 });
});
