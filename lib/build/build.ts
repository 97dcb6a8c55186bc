/**
 * Builds the programs for the platforms asked for: what changed, and nothing else.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../../templates/assets/shared/format.js";
import { errorMessage } from "../text/error_message.ts";
import { Bundler } from "./bundle/bundle.ts";
import { compile } from "./compile.ts";
import { COMPRESSED_SUFFIXES, compressFile } from "./output/compress.ts";
import { Dist, fileStamp } from "./output/dist.ts";
import { buildInputs, toolchain } from "./output/freshness.ts";
import { createRuntimeFinder, type Runtime, type RuntimeFinder } from "./runtime/find.ts";
import { npmPackage } from "./output/npm_package.ts";
import { findGlibc, plan, type PlannedFile } from "./plan.ts";
import { measureStarts } from "./start_times.ts";
import { PROGRAMS, runsHere, type Target, TARGETS } from "../dist/targets.ts";

export interface BuildOptions {
  /** The project's directory. */
  root: string;
  /** Where the files go. */
  out: string;
  /** Where packages, runtimes and half-made things are kept. */
  work: string;
  /** @default all */
  targets?: readonly Target[];
  /** Takes a line of progress. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** One build at a time; a second one waits. Leaving the scope lets the next one go. */
async function lock(work: string, log: BuildOptions["log"], signal?: AbortSignal) {
  await Deno.mkdir(work, { recursive: true });
  const file = await Deno.open(join(work, "lock"), { create: true, write: true });
  try {
    if (!await file.tryLock(true)) {
      log("waiting for another build to end");
      const aborted = Promise.withResolvers<never>();
      signal?.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
      await Promise.race([file.lock(true), aborted.promise]);
    }
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

/** Finds each target's runtime once, and says which it is. */
function announced(find: RuntimeFinder, log: BuildOptions["log"]): RuntimeFinder {
  const found = new Map<Target, Promise<Runtime>>();
  return (target) => {
    const known = found.get(target) ?? find(target).then((runtime) => {
      log(`${target.name}: the runtime is ${runtime.origin}`);
      return runtime;
    });
    found.set(target, known);
    return known;
  };
}

/** Makes one file aside, with its compressed copies, and puts it in its place. */
async function make(
  job: PlannedFile,
  runtime: Runtime | undefined,
  bundler: Bundler,
  dist: Dist,
  options: BuildOptions,
): Promise<void> {
  const { root, work, log, signal } = options;
  const { name, program, target, packed, bundle, glibc, key } = job;
  const start = performance.now();
  const output = join(dist.makePartial(), name);
  if (packed) {
    const license = await Deno.readTextFile(join(root, "LICENSE"));
    await Deno.writeFile(output, npmPackage(program, bundle.text, license));
  } else if (target === undefined || runtime === undefined) {
    await Deno.writeTextFile(output, bundle.text);
  } else {
    const { nativeSpecifier } = bundler;
    await compile(program, target, bundle, {
      runtime,
      glibc,
      root,
      work,
      nativeSpecifier,
      output,
      signal,
    });
  }
  const sizes = [formatBytes((await Deno.stat(output)).size)];
  for (const suffix of COMPRESSED_SUFFIXES) {
    sizes.push(`${suffix} ${formatBytes(await compressFile(output, suffix, signal))}`);
  }
  const hash = await fileSha256(output);
  signal?.throwIfAborted();
  dist.publish(name, key, hash);
  log(`${name}: ${sizes.join(", ")} in ${formatSeconds(performance.now() - start)}`);
}

/**
 * Builds.
 *
 * @returns the names of the files that were built again
 * @throws {Error} if some file could not be built; the others are
 */
export async function build(options: BuildOptions): Promise<string[]> {
  const { root, work, log, signal } = options;
  const start = Date.now();
  using _lock = await lock(work, log, signal);
  const dist = new Dist(options.out);
  const { targets = TARGETS } = options;
  await using bundler = new Bundler({ root, work, signal });
  await bundler.install([...PROGRAMS, "server"]);
  const jobs = await plan(root, bundler, targets, await findGlibc(targets, options));
  const todo = jobs.filter(({ name, key }) =>
    !dist.has(name) || dist.manifest.files[name]!.key !== key
  );
  if (todo.length > 0) log(`building ${todo.length} of ${jobs.length} files`);
  const findRuntime = announced(createRuntimeFinder({ work, signal }), log);
  const failures = new Map<string, string[]>();
  try {
    dist.makePartial();
    for (const job of todo) {
      try {
        const runtime = job.target && await findRuntime(job.target);
        await make(job, runtime, bundler, dist, options);
      } catch (error) {
        signal?.throwIfAborted();
        const why = errorMessage(error);
        failures.set(why, [...failures.get(why) ?? [], job.name]);
      }
    }
    if (failures.size === 0) {
      const paths = [...new Set(jobs.flatMap(({ bundle }) => bundle.inputs)), ...buildInputs(root)];
      dist.finish(stamps(paths, start), toolchain());
    }
  } finally {
    dist.removePartial();
  }
  if (failures.size > 0) {
    const reasons = Array.from(failures, ([why, names]) => `${names.join(", ")}: ${why}`);
    throw new Error(`cannot build ${reasons.join("; ")}`);
  }
  const names = todo.map(({ name }) => name);
  if (todo.some(({ program, target }) => program !== "tunnel" && target && runsHere(target))) {
    await reportStarts(options);
  }
  const kept = jobs.length - names.length;
  log(
    `built ${names.length} files in ${formatSeconds(Date.now() - start)}, ${kept} were up to date`,
  );
  return names;
}

/**
 * Says how soon the programs for this machine are ready; a build that cannot tell still succeeds.
 */
async function reportStarts({ root, out, log, signal }: BuildOptions): Promise<void> {
  try {
    const { registered, firstByte } = await measureStarts(root, out, { signal });
    log(
      `an agent is registered ${registered.toFixed()} ms after its start, ` +
        `the first byte comes out of wsproxy ${firstByte.toFixed()} ms after its own`,
    );
  } catch (error) {
    signal?.throwIfAborted();
    log(`cannot measure how soon the programs are ready: ${errorMessage(error)}`);
  }
}

/** The stamps of files; none that fits for one that was changed while it was being built from. */
function stamps(paths: string[], start: number): Record<string, string> {
  return Object.fromEntries(paths.map((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return [path, stat && stat.mtimeMs < start ? fileStamp(path)! : ""];
  }));
}
