/** What there is to build, and what each file is made from. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../text/error_message.ts";
import { type Artifact, artifacts, type Target } from "../dist/targets.ts";
import type { Bundle, Bundler } from "./bundle/bundle.ts";
import { filesBelow } from "./files.ts";
import { fetchGlibc, type Glibc } from "./glibc/libraries.ts";
import { toolchain } from "./output/freshness.ts";

/** A file to build and what it is made from. */
export interface PlannedFile extends Artifact {
  bundle: Bundle;
  glibc?: Glibc;
  /** Changes when anything does that it is made from. */
  key: string;
}

export interface GlibcOptions {
  /** Where packages are kept. */
  work: string;
  /** Takes a line of progress. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * What the executables for Linux bring. Where it cannot be had they are made without: they then need
 * the system's own.
 */
export async function findGlibc(
  targets: readonly Target[],
  options: GlibcOptions,
): Promise<Map<Target, Glibc>> {
  const found = new Map<Target, Glibc>();
  for (const target of targets.filter(({ os }) => os === "linux")) {
    try {
      found.set(target, await fetchGlibc(target.arch, options));
    } catch (error) {
      options.signal?.throwIfAborted();
      options.log(`${target.name}: made for glibc 2.27 or newer only: ${errorMessage(error)}`);
    }
  }
  return found;
}

/** What every target's programs are made from, with the key that changes when they do. */
export async function plan(
  root: string,
  bundler: Bundler,
  targets: readonly Target[],
  glibcs: Map<Target, Glibc>,
): Promise<PlannedFile[]> {
  const recipe = [
    ...["compile.ts", "output/npm_package.ts", "runtime/npm.ts"].map((name) =>
      join(import.meta.dirname!, name)
    ),
    ...filesBelow(join(import.meta.dirname!, "glibc")).toArray().sort(),
    ...filesBelow(join(root, "templates", "assets")).toArray().sort(),
  ].map((path) => readFileSync(path, "latin1"));
  const jobs: PlannedFile[] = [];
  for (const artifact of artifacts(targets)) {
    const { program, target } = artifact;
    const glibc = target && glibcs.get(target);
    const bundle = await bundler.bundle(program, target, glibc);
    const how = target === undefined ? [String(artifact.packed)] : [
      target.name,
      bundle.native ? bundler.nativeSpecifier : "",
      toolchain(),
      ...recipe,
    ];
    jobs.push({ ...artifact, bundle, glibc, key: sha256(bundle.text, ...how) });
  }
  return jobs;
}

function sha256(...parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}
