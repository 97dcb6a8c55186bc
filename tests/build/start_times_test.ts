import assert from "node:assert/strict";
import { measureStarts } from "../../lib/build/start_times.ts";
import { TempDir } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { snapshot } from "./support.ts";

const ignore = Deno.build.target !== "x86_64-unknown-linux-gnu";
if (ignore) console.error("skipped: start times of executables for Linux on x86-64");

Deno.test("measureStarts() starts the programs and leaves none", { ignore }, async () => {
  const { dist } = await snapshot();
  const { registered, firstByte } = await measureStarts(ROOT, dist, { rounds: 1 });
  assert.ok(registered > 0 && firstByte > 0);
});

Deno.test("measureStarts() says what a program printed that does not register", async () => {
  if (Deno.build.os === "windows") return;
  await using dir = new TempDir();
  dir.write("agent", "#!/bin/sh\nprintf broken", 0o755);
  await assert.rejects(measureStarts(ROOT, dir.path, { rounds: 1 }), /it ended without .*: broken/);
});

Deno.test("measureStarts() ends with its signal", { ignore }, async () => {
  const { dist } = await snapshot();
  await assert.rejects(measureStarts(ROOT, dist, { signal: AbortSignal.abort() }));
});
