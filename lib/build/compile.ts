/** Makes an executable of a bundle with `deno compile`; for Linux, with glibc in it. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../text/error_message.ts";
import type { Bundle } from "./bundle/bundle.ts";
import { runCommand } from "./command.ts";
import { filesBelow } from "./files.ts";
import { bringGlibc } from "./glibc/bring_glibc.ts";
import type { Glibc } from "./glibc/libraries.ts";
import { installPackages } from "./packages.ts";
import { EMBEDDED_ASSETS, NATIVE_PACKAGE } from "./bundle/plugins.ts";
import type { Runtime } from "./runtime/find.ts";
import { type ProgramName, runsHere, type Target } from "../dist/targets.ts";
import { v8Flags } from "../dist/v8_flags.ts";

/**
 * What each program may do. The agent's shells and its SFTP reach all that the job's user reaches,
 * and Deno keeps some files (below /proc and /dev) from a program that may not do everything.
 * tunnel reads files for `--ca-file` only; wsproxy also writes ssh's, and itself at an update. The
 * server writes its state, and bounds connections through the C library.
 */
const PERMISSIONS: Record<ProgramName, string[]> = {
  agent: ["--allow-all"],
  wsproxy: ["--allow-net", "--allow-env", "--allow-read", "--allow-write", "--deny-import"],
  tunnel: ["--allow-net", "--allow-env", "--allow-read", "--deny-import"],
  server: ["--allow-net", "--allow-env", "--allow-read", "--allow-write", "--allow-ffi"],
};

/** The name of the native code of ciphers, as embedded_sodium.ts has it. */
const SODIUM_FILE = "sodium.node";

/** The options of `deno compile` for a program on a platform. */
function compileOptions(program: ProgramName, target: Target, bundle: Bundle): string[] {
  return [
    "--quiet",
    "--no-check",
    // What is not allowed fails; nobody is asked.
    "--no-prompt",
    // The cache would be a file of a known name in a directory that every user of the machine can
    // write to, and what it holds is run.
    "--no-code-cache",
    ...PERMISSIONS[program],
    ...v8Flags(program, "compile"),
    // node-pty on macOS starts a helper program, which must be a real file.
    ...bundle.native && target.os === "darwin" ? ["--self-extracting"] : [],
    ...bundle.sodium === undefined ? [] : ["--include", SODIUM_FILE],
    ...program === "server" ? ["--include", EMBEDDED_ASSETS] : [],
    "--target",
    target.triple,
  ];
}

export interface CompileOptions {
  runtime: Runtime;
  /** What the executable brings, for Linux. */
  glibc?: Glibc;
  /** The project's directory. */
  root: string;
  /** Where packages and half-made things are kept. */
  work: string;
  /** As in deno.json, with `npm:` and its version. */
  nativeSpecifier: string;
  /** The path of the executable to be. */
  output: string;
  signal?: AbortSignal;
}

/** What npm packages call a target. */
function npmPlatform(target: Target): string {
  const os = target.os === "windows" ? "win32" : target.os;
  return `${os}-${target.arch === "x86_64" ? "x64" : "arm64"}`;
}

/** The packages with the native code for `target`. */
function nativePackages(target: Target, specifier: string): Record<string, string> {
  const platform = npmPlatform(target);
  const version = specifier.slice(specifier.lastIndexOf("@"));
  return {
    [NATIVE_PACKAGE]: specifier,
    // A package for another platform than this one is installed only if it is asked for.
    [`${NATIVE_PACKAGE}-${platform}`]: `npm:${NATIVE_PACKAGE}-${platform}${version}`,
  };
}

/**
 * Makes a directory to compile from with nothing in it but what is to be embedded. Times are
 * embedded too: they are fixed, so that the same sources give the same executable.
 */
async function stage(
  program: ProgramName,
  target: Target,
  bundle: Bundle,
  { root, work, nativeSpecifier, signal }: CompileOptions,
): Promise<string> {
  const dir = join(work, "stage", `${program}-${target.name}`);
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(dir, { recursive: true });
  // A workspace of its own: it lies inside the project's.
  const config = { nodeModulesDir: "manual", workspace: [] };
  await Deno.writeTextFile(join(dir, "deno.json"), JSON.stringify(config));
  await Deno.writeTextFile(join(dir, `${program}.js`), bundle.text);
  if (bundle.native) {
    const imports = nativePackages(target, nativeSpecifier);
    const packages = join(work, "native", target.name);
    await installPackages(packages, imports, { lockFile: join(root, "deno.lock"), signal });
    for (const name of Object.keys(imports)) {
      const from = join(packages, "node_modules", name);
      cpSync(from, join(dir, "node_modules", name), { recursive: true, dereference: true });
    }
  }
  if (bundle.sodium !== undefined) {
    const prebuilt = join("prebuilds", npmPlatform(target), "sodium-native.node");
    await Deno.copyFile(join(bundle.sodium, prebuilt), join(dir, SODIUM_FILE));
  }
  if (program === "server") {
    cpSync(join(root, "templates", "assets"), join(dir, EMBEDDED_ASSETS), { recursive: true });
  }
  for (const path of filesBelow(dir)) await Deno.utime(path, 0, 0);
  return dir;
}

/**
 * Compiles `bundle` for `target`.
 *
 * @throws {Error} if that fails, with what the compiler said
 */
export async function compile(
  program: ProgramName,
  target: Target,
  bundle: Bundle,
  options: CompileOptions,
): Promise<void> {
  const { runtime, glibc, output, signal } = options;
  const cwd = await stage(program, target, bundle, options);
  const args = compileOptions(program, target, bundle);
  await runCommand(
    runtime.deno,
    ["compile", ...args, "--output", output, `${program}.js`],
    { cwd, env: runtime.env, signal },
  );
  if (glibc !== undefined) {
    await Deno.writeFile(output, bringGlibc(await Deno.readFile(output), glibc));
  }
  if (runsHere(target)) {
    try {
      await runCommand(output, ["--version"], { cwd, signal });
    } catch (cause) {
      throw new Error(`the compiled program does not run: ${errorMessage(cause)}`, { cause });
    }
  }
}
