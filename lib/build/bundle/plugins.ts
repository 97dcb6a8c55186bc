/** What esbuild has to be told of modules that are not what they seem. */
import type { Plugin } from "esbuild";
import { dirname, join } from "node:path";
import type { Target } from "../../dist/targets.ts";

/** The only package with native code. */
export const NATIVE_PACKAGE = "@lydell/node-pty";

/** The namespace of the module that {@link nativePlugin} puts in the native package's place. */
export const NATIVE_NAMESPACE = "native";

/**
 * What executables load node-pty with. The runtime writes the embedded library into the directory
 * for temporary files, under a predictable name. Others may write there
 * too, so it gets a directory of its own for the moment; nothing else runs meanwhile.
 */
const LOAD_PRIVATELY = `
import { createRequire } from "node:module";
const before = Deno.env.get("TMPDIR");
const directory = Deno.makeTempDirSync();
Deno.env.set("TMPDIR", directory);
let loaded;
try {
  loaded = createRequire(import.meta.url)("${NATIVE_PACKAGE}");
} finally {
  if (before === undefined) Deno.env.delete("TMPDIR");
  else Deno.env.set("TMPDIR", before);
  Deno.removeSync(directory, { recursive: true });
}
export const { open, spawn } = loaded;`;

/**
 * Loads node-pty when the first terminal is opened, not when the program starts.
 *
 * @param specifier where it is imported from, if not embedded
 */
export function nativePlugin(specifier?: string): Plugin {
  return {
    name: "native package",
    setup(build) {
      const namespace = NATIVE_NAMESPACE;
      build.onResolve({ filter: new RegExp(`^${NATIVE_PACKAGE}$`) }, () => ({
        path: NATIVE_PACKAGE,
        namespace,
      }));
      build.onResolve({ filter: /^npm:/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /.*/, namespace }, () => ({
        contents: specifier === undefined
          ? LOAD_PRIVATELY
          : `export const { open, spawn } = await import("${specifier}");`,
      }));
    },
  };
}

/** The package with the native code of ciphers. */
export const SODIUM_PACKAGE = "sodium-native";

/** What stands for it in executables, from the project's directory. */
export const EMBEDDED_SODIUM = "lib/ssh/transport/ciphers/embedded_sodium.ts";

/**
 * Executables load the package's native code from themselves. The bundle that people run with Deno
 * does without: it would begin with a download.
 */
export function sodiumPlugin(root: string, target: Target | undefined): Plugin {
  return {
    name: "sodium",
    setup(build) {
      const namespace = "sodium";
      build.onResolve(
        { filter: new RegExp(`^${SODIUM_PACKAGE}$`) },
        () => target ? { path: join(root, EMBEDDED_SODIUM) } : { path: SODIUM_PACKAGE, namespace },
      );
      build.onLoad({ filter: /.*/, namespace }, () => ({
        contents: 'throw new Error("only executables have native ciphers");',
      }));
    },
  };
}

/**
 * A thread is loaded by its address. In one file it is a `data:` address: `thread_url.ts` gives
 * that of the thread.ts beside it.
 */
export function threadPlugin(bundle: (path: string) => Promise<string>): Plugin {
  return {
    name: "thread",
    setup(build) {
      build.onLoad({ filter: /[\\/]thread_url\.ts$/ }, async ({ path }) => {
        const text = await bundle(join(dirname(path), "thread.ts"));
        const url = `data:text/javascript;base64,${new TextEncoder().encode(text).toBase64()}`;
        return { contents: `export const threadUrl = "${url}";` };
      });
    },
  };
}

/** The directory of the pages' assets, as the server's executable has it. */
export const EMBEDDED_ASSETS = "assets";

/** The server as an executable has its assets in itself, and no sources to build from. */
export const SERVER_PLUGIN: Plugin = {
  name: "server",
  setup(build) {
    build.onLoad({ filter: /[\\/]assets_dir\.ts$/ }, () => ({
      contents: `export const ASSETS_DIR = import.meta.dirname + "/${EMBEDDED_ASSETS}";`,
    }));
    build.onLoad({ filter: /[\\/]build[\\/]background\.ts$/ }, () => ({
      contents: "export function startBuild() {" +
        'throw new Error("only a server that runs from its sources can build: leave out --build");}',
    }));
  },
};

/** Of deno.json the programs read the version only; nothing else in it changes them. */
export const CONFIG_PLUGIN: Plugin = {
  name: "version",
  setup(build) {
    build.onLoad({ filter: /[\\/]deno\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await Deno.readTextFile(path));
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
  },
};
