import assert from "node:assert/strict";
import { join } from "node:path";
import { nearestDirectory } from "../../../lib/process/access.ts";
import { deno, ON_WINDOWS, program, readText, spawnProcess } from "./helpers.ts";

const ignore = !ON_WINDOWS;

Deno.test("isBoundToJob() knows of a job object", { ignore }, async () => {
  const module = new URL("../../../lib/process/windows/own_job.ts", import.meta.url).href;
  const code = `console.log((await import(${JSON.stringify(module)})).isBoundToJob())`;
  // What is started here is in a job object of its own.
  const child = spawnProcess(deno(code));
  assert.equal((await readText(child.stdout)).trim(), "true");
  await child.end();
});

Deno.test(
  "processEnded() waits for a process, and not without one",
  { ignore },
  async () => {
    const { processEnded } = await import("../../../lib/process/windows/own_job.ts");
    const child = spawnProcess(program("cmd.exe", "/c", "exit 3"));
    await processEnded(child.pid);
    assert.deepEqual(await child.exited, { code: 3 });
    await processEnded(0x7fff_fff0);
    await child.end();
  },
);

Deno.test("sessions start above a path that is too long for programs", { ignore }, async () => {
  const top = await Deno.makeTempDir();
  const long = join(top, ...Array(3).fill("x".repeat(100)));
  await Deno.mkdir(long, { recursive: true });
  await Deno.writeTextFile(join(long, "file"), "long");
  assert.equal(await Deno.readTextFile(join(long, "file")), "long");
  const start = nearestDirectory(long);
  assert.ok(start.length < 259 && long.startsWith(`${start}\\`), start);
  const child = spawnProcess({ ...program("cmd.exe", "/c", "cd"), cwd: start });
  assert.equal((await readText(child.stdout)).trim(), start);
  await child.end();
  await Deno.remove(top, { recursive: true });
});
