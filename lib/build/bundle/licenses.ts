/**
 * The licences of all that a file holds that people download: MIT, BSD and their like want their
 * notices in each copy. `--licenses` prints them.
 *
 * @module
 */
import type { Plugin } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Stands for the texts until it is known what is in the bundle. */
const PLACEHOLDER = "@licenses@";

/** Puts the placeholder where the sources have a text of their own. */
export const LICENSES_PLUGIN: Plugin = {
  name: "licenses",
  setup(build) {
    build.onLoad({ filter: /[\\/]dist[\\/]licenses\.ts$/ }, () => ({
      contents: `export const LICENSES = "${PLACEHOLDER}";`,
    }));
  },
};

/** Puts the texts into a bundle. */
export function insertLicenses(bundle: string, licenses: string): string {
  return bundle.replaceAll(`"${PLACEHOLDER}"`, () => JSON.stringify(licenses));
}

/** The directory of the npm package that a file belongs to, or undefined if to none. */
export function packageDirectory(path: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0];
}

/**
 * The licence of what is linked into a package's native code and not named by the package itself.
 */
const LINKED: Record<string, string> = { "sodium-native": "LIBSODIUM_LICENSE.txt" };

/** Who holds the rights to packages under the MIT licence that have no file of it. */
const MIT_NOTICES: Record<string, string> = {
  "@redis/client": "Copyright (c) 2022-2025, Redis, inc.",
};

/** The licence of a package without a file of it: that of this project, but for whose it is. */
function mitLicense(root: string, name: string): string {
  const notice = MIT_NOTICES[name];
  if (notice === undefined) throw new Error(`cannot bundle "${name}": it has no licence file`);
  return readFileSync(join(root, "LICENSE"), "utf8").replace(/^Copyright .*$/m, notice);
}

/**
 * The name, the version and the licence of an npm package.
 *
 * @param root the project's directory
 * @throws {Error} if there is no text of a licence in it
 */
function packageLicense(root: string, directory: string): string {
  const { name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const file = readdirSync(directory).find((name) => /^(un)?licen[cs]e|^copying/i.test(name));
  const text = file === undefined
    ? mitLicense(root, name)
    : readFileSync(join(directory, file), "utf8");
  const own = `${name} ${version}\n\n${text.trim()}\n`;
  return name in LINKED ? `${own}\n${readText(LINKED[name]!)}` : own;
}

/** What is in a file besides our own code. */
export interface LicensedParts {
  /** The directories of npm packages. */
  packages: readonly string[];
  /** Whether Deno's runtime is in it. */
  runtime: boolean;
  /** The licences of glibc, if it is in it. */
  glibc?: string;
}

/**
 * The texts for all that is in a file.
 *
 * @param root the project's directory
 */
export function collectLicenses(
  root: string,
  { packages, runtime, glibc }: LicensedParts,
): string {
  const { version } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  const own = readFileSync(join(root, "LICENSE"), "utf8").trim();
  return [
    `Converge ${version}\n\n${own}\n`,
    ...packages.map((directory) => packageLicense(root, directory)).sort(),
    ...runtime ? [readText("../runtime/LICENSES.txt")] : [],
    ...glibc === undefined ? [] : [glibc],
  ].join(`\n${"-".repeat(72)}\n\n`);
}

/** A text, by its place relative to this file. */
function readText(name: string): string {
  return `${readFileSync(new URL(name, import.meta.url), "utf8").trim()}\n`;
}
