import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../../support/root.ts";

/** All that a file loads when it starts: types are not, and `import()` waits until it is asked. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  const source = readFileSync(join(ROOT, file), "utf8");
  const pattern = /^(?:import|export)(?! type)[^;]*? from "([^"]+)";/gm;
  for (const [, name] of source.matchAll(pattern)) {
    const target = name!.startsWith(".") ? join(dirname(file), name!) : name!;
    if (seen.has(target)) continue;
    seen.add(target);
    if (name!.startsWith(".") && /\.tsx?$/.test(name!)) loadedBy(target, seen);
  }
  return seen;
}

Deno.test("a server of its own loads nothing for clusters", () => {
  const loaded = loadedBy("server.ts");
  assert.ok(loaded.has("lib/server/rendezvous_server.ts"));
  const cluster = [...loaded].filter((file) => /^lib\/server\/cluster\/|redis/.test(file));
  assert.deepEqual(cluster, []);
  assert.ok(loadedBy("lib/server/cluster/cluster.ts").has("@redis/client"));
});
