/**
 * Joins a program and the npm packages that it imports into one JavaScript file.
 *
 * node-pty stays outside, as it has native code: executables get it beside the bundle, and the
 * bundle that people run with Deno imports it from npm when the first terminal is opened.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { join, resolve } from "node:path";
import type { Glibc } from "../glibc/libraries.ts";
import { collectLicenses, insertLicenses, LICENSES_PLUGIN, packageDirectory } from "./licenses.ts";
import { installPackages } from "../packages.ts";
import {
  CONFIG_PLUGIN,
  EMBEDDED_SODIUM,
  NATIVE_NAMESPACE,
  NATIVE_PACKAGE,
  nativePlugin,
  SERVER_PLUGIN,
  SODIUM_PACKAGE,
  sodiumPlugin,
  threadPlugin,
} from "./plugins.ts";
import { NODE_PROGRAMS, type ProgramName, type Target } from "../../dist/targets.ts";

/** A program in one file. */
export interface Bundle {
  text: string;
  /** The project's own files in it, absolute. */
  inputs: string[];
  /** The directories of the npm packages in it. */
  packages: string[];
  /** Whether it uses {@link NATIVE_PACKAGE}. */
  native: boolean;
  /** The directory of {@link SODIUM_PACKAGE}, if it uses its native code. */
  sodium?: string;
}

export interface BundlerOptions {
  /** The project's directory. */
  root: string;
  /** Where the packages are kept while they are joined. */
  work: string;
  signal?: AbortSignal;
}

/** What both passes have in common. */
const COMMON = {
  bundle: true,
  write: false,
  metafile: true,
  format: "esm",
  platform: "node",
  target: "es2024",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "silent",
} satisfies esbuild.BuildOptions;

/**
 * CommonJS packages call `require` for Node's own modules. `createRequire` would refuse to make one
 * in a bundle that was loaded over http.
 */
const REQUIRE = "const require=(name)=>{const found=process.getBuiltinModule(name);" +
  'if(found===undefined)throw new Error(`cannot load "${name}"`);return found};';

/** Waits for esbuild; an error is one line with the place. */
async function explained<T>(building: Promise<T>): Promise<T> {
  try {
    return await building;
  } catch (cause) {
    const [first] = (cause as esbuild.BuildFailure).errors ?? [];
    if (first === undefined) throw cause;
    const { file, line, column } = first.location ?? { file: "the sources", line: 0, column: 0 };
    throw new Error(`cannot bundle "${file}:${line}:${column + 1}": ${first.text}`, { cause });
  }
}

/** Bundles programs; leaving its scope ends what it started. */
export class Bundler implements AsyncDisposable {
  readonly #options: BundlerOptions;
  #imports: Record<string, string> = {};

  constructor(options: BundlerOptions) {
    this.#options = options;
  }

  /**
   * Installs the packages that the programs import.
   *
   * @throws {Error} if that fails
   */
  async install(programs: readonly ProgramName[]): Promise<void> {
    const { root, work, signal } = this.#options;
    const config = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
    this.#imports = config.imports;
    const { metafile } = await explained(esbuild.build({
      ...COMMON,
      absWorkingDir: root,
      entryPoints: programs.map((program) => `${program}.ts`),
      outdir: work,
      packages: "external",
    }));
    const names = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path)
    );
    const needed = Object.entries(this.#imports).filter(([name]) =>
      names.some((path) => path === name || path.startsWith(`${name}/`))
    );
    await installPackages(this.#packages, Object.fromEntries(needed), {
      lockFile: join(root, "deno.lock"),
      signal,
    });
  }

  get #packages(): string {
    return join(this.#options.work, "packages");
  }

  /** How the sources name the native package: with `npm:` and its version. */
  get nativeSpecifier(): string {
    return this.#imports[NATIVE_PACKAGE]!;
  }

  /**
   * Bundles one program, for one platform or, without a target, for any Deno.
   *
   * @param glibc what the executable brings
   * @throws {Error} if a source cannot be read or does not parse
   */
  async bundle(program: ProgramName, target?: Target, glibc?: Glibc): Promise<Bundle> {
    this.#options.signal?.throwIfAborted();
    const bundle = await this.#bundle(`${program}.ts`, target);
    const runtime = target !== undefined;
    // Bundles for Deno do not hold it.
    const native = runtime && bundle.native
      ? [join(this.#packages, "node_modules", NATIVE_PACKAGE)]
      : [];
    const sodium = bundle.sodium === undefined ? [] : [bundle.sodium];
    const licenses = collectLicenses(this.#options.root, {
      packages: [...bundle.packages, ...native, ...sodium],
      runtime,
      glibc: glibc?.licenses,
    });
    return { ...bundle, text: insertLicenses(bundle.text, licenses) };
  }

  async #bundle(entry: string, target?: Target): Promise<Bundle> {
    const { root } = this.#options;
    const threads: Bundle[] = [];
    const nodeToo = target === undefined &&
      NODE_PROGRAMS.some((program) => entry === `${program}.ts`);
    const bundleThread = async (path: string) => {
      const thread = await this.#bundle(path, target);
      threads.push(thread);
      return thread.text;
    };
    const { outputFiles, metafile } = await explained(esbuild.build({
      ...COMMON,
      absWorkingDir: root,
      entryPoints: [entry],
      nodePaths: [join(this.#packages, "node_modules")],
      plugins: [
        nativePlugin(target ? undefined : this.nativeSpecifier),
        sodiumPlugin(root, target),
        threadPlugin(bundleThread),
        CONFIG_PLUGIN,
        LICENSES_PLUGIN,
        SERVER_PLUGIN,
      ],
      define: {
        __dirname: '"/"',
        ...target && { "Deno.build.os": JSON.stringify(target.os) },
      },
      inject: nodeToo ? ["lib/node/deno.ts"] : [],
      banner: { js: nodeToo ? `#!/usr/bin/env node\n${REQUIRE}` : REQUIRE },
      minify: true,
      keepNames: true,
      legalComments: "none",
    }));
    const own = Object.keys(metafile.inputs).filter((path) => !/node_modules|:/.test(path))
      .map((path) => resolve(root, path));
    const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
    const packages = used.map((path) => packageDirectory(resolve(root, path)))
      .filter((directory) => directory !== undefined);
    return {
      text: outputFiles[0]!.text,
      inputs: [...new Set([...own, ...threads.flatMap(({ inputs }) => inputs)])].sort(),
      native: used.some((path) => path.startsWith(`${NATIVE_NAMESPACE}:`)) ||
        threads.some(({ native }) => native),
      sodium: used.includes(EMBEDDED_SODIUM)
        ? join(this.#packages, "node_modules", SODIUM_PACKAGE)
        : undefined,
      packages: [...new Set([...packages, ...threads.flatMap(({ packages }) => packages)])],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await esbuild.stop();
  }
}
