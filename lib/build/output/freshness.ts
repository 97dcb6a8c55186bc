/** Tells in milliseconds whether there is anything to build. */
import { join } from "node:path";
import { Dist, fileStamp } from "./dist.ts";
import { filesBelow } from "../files.ts";
import { type Artifact, artifacts, TARGETS } from "../../dist/targets.ts";

/** What builds, as far as it makes a difference. */
export function toolchain(): string {
  const runtime = Deno.env.get("DENORT_BIN");
  return JSON.stringify([
    Deno.version.deno,
    ...runtime === undefined ? [] : [runtime, fileStamp(runtime)],
  ]);
}

/** The files that decide how something is built, beside the programs' sources. */
export function buildInputs(root: string): string[] {
  return [
    join(root, "deno.json"),
    join(root, "deno.lock"),
    join(root, "LICENSE"),
    ...filesBelow(join(root, "lib", "build")),
    ...filesBelow(join(root, "lib", "dist")),
    ...filesBelow(join(root, "templates", "assets")),
  ];
}

/**
 * The files that are missing from `out` or may have been made from other sources.
 *
 * @param root the project's directory
 */
export function outdated(root: string, out: string): Artifact[] {
  const dist = new Dist(out);
  const { inputs, toolchain: builtWith } = dist.manifest;
  const all = artifacts(TARGETS);
  const known = Object.entries(inputs);
  const same = known.length > 0 && builtWith === toolchain() &&
    [...known.map(([path]) => path), ...buildInputs(root)]
      .every((path) => inputs[path] !== undefined && inputs[path] === fileStamp(path));
  return same ? all.filter(({ name }) => !dist.has(name)) : all;
}
