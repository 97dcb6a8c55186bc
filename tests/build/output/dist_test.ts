import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Dist } from "../../../lib/build/output/dist.ts";
import { TempDir } from "../../support/program.ts";

/** Writes a file and its copies aside, as the build does. */
async function writeAside(dist: Dist, name: string, content: string): Promise<void> {
  const partial = dist.makePartial();
  for (const suffix of ["", ".gz", ".zst"]) {
    await Deno.writeTextFile(join(partial, name + suffix), content + suffix);
  }
}

Deno.test("Dist.publish() replaces a file with its copies and lists it", async () => {
  await using dir = new TempDir();
  for (const content of ["old", "new"]) {
    const dist = new Dist(dir.path);
    await writeAside(dist, "agent", content);
    dist.publish("agent", `key of ${content}`, "0".repeat(64));
    dist.removePartial();
  }
  for (const suffix of ["", ".gz", ".zst"]) {
    assert.equal(await Deno.readTextFile(join(dir.path, `agent${suffix}`)), `new${suffix}`);
  }
  const sums = await Deno.readTextFile(join(dir.path, "SHA256SUMS"));
  assert.equal(sums, `${"0".repeat(64)}  agent\n`);
  assert.equal(new Dist(dir.path).manifest.files.agent?.key, "key of new");
});

Deno.test("Dist.has() misses what was changed, or has lost a copy", async () => {
  await using dir = new TempDir();
  const dist = new Dist(dir.path);
  for (const name of ["agent", "tunnel"]) {
    await writeAside(dist, name, name);
    dist.publish(name, "key", "0".repeat(64));
  }
  assert.ok(dist.has("agent") && dist.has("tunnel") && !dist.has("wsproxy"));
  dir.write("agent", "another program");
  await Deno.remove(join(dir.path, "tunnel.gz"));
  assert.ok(!dist.has("agent") && !dist.has("tunnel"));
});

Deno.test("Dist.makePartial() clears away what an interrupted build left", async () => {
  await using dir = new TempDir();
  await writeAside(new Dist(dir.path), "agent", "half");
  const partial = new Dist(dir.path).makePartial();
  assert.ok(!existsSync(join(partial, "agent")));
  assert.ok(!existsSync(join(dir.path, "agent")));
});

Deno.test("a manifest that cannot be read counts as none", async () => {
  await using dir = new TempDir();
  dir.write(".build.json", "{");
  assert.deepEqual(new Dist(dir.path).manifest.files, {});
});
