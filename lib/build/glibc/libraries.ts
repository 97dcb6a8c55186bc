/**
 * Gets the files of glibc and GCC's runtime library that executables bring, from the packages of the
 * Debian, or its like, that builds. apt checks their signatures; nothing is installed, and neither
 * root nor the processor that the packages are for is needed.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Target } from "../../dist/targets.ts";
import { errorMessage } from "../../text/error_message.ts";
import { runCommand } from "../command.ts";

/** What Debian calls a processor, and its loader. */
const ARCHITECTURES: Record<Target["arch"], { debian: string; loader: string }> = {
  x86_64: { debian: "amd64", loader: "ld-linux-x86-64.so.2" },
  aarch64: { debian: "arm64", loader: "ld-linux-aarch64.so.1" },
};

/** The libraries that Deno's runtime needs, by the names that it has for them. */
const LIBRARIES = [
  "libc.so.6",
  "libdl.so.2",
  "libgcc_s.so.1",
  "libm.so.6",
  "libpthread.so.0",
  "librt.so.1",
];

const PACKAGES = ["libc6", "libgcc-s1"];

/** The texts that the packages' copyright files refer to. */
const COMMON_LICENSES = ["LGPL-2.1", "GPL-3"].map((name) => `/usr/share/common-licenses/${name}`);

/** A file and its name. */
export interface BroughtFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** All that a program needs to run without the system's libraries. */
export interface Glibc {
  loader: BroughtFile;
  libraries: BroughtFile[];
  /** The licences of all of it, and where the sources are. */
  licenses: string;
}

export interface FetchOptions {
  /** Where the files are kept; removing `glibc` there gets newer ones. */
  work: string;
  /** The program that downloads packages. @default "apt-get" */
  aptGet?: string;
  signal?: AbortSignal;
}

/** Apt's settings for packages of an architecture, with lists of its own below `dir`. */
function aptSettings(dir: string, architecture: string): string {
  return [
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Sandbox::User "";',
    `Dir::State::lists "${dir}/lists";`,
    'Dir::State::status "/dev/null";',
    `Dir::Cache "${dir}/cache";`,
  ].join("\n");
}

/** Downloads the packages and unpacks them into `dir`/root. @returns the name and version of each */
async function unpackPackages(
  dir: string,
  architecture: string,
  { aptGet = "apt-get", signal }: FetchOptions,
): Promise<string[]> {
  for (const name of ["lists/partial", "cache/archives/partial", "packages", "root"]) {
    await Deno.mkdir(join(dir, name), { recursive: true });
  }
  await Deno.writeTextFile(join(dir, "apt.conf"), aptSettings(dir, architecture));
  const options = {
    cwd: join(dir, "packages"),
    env: { APT_CONFIG: join(dir, "apt.conf") },
    signal,
  };
  const download = (...names: string[]) =>
    runCommand(aptGet, ["download", "-qq", ...names], options);
  const files = () => readdirSync(options.cwd);
  const field = (file: string, name: string) =>
    runCommand("dpkg-deb", ["--field", file, name], options);

  await runCommand(aptGet, ["update", "-qq"], options);
  await download(...PACKAGES);
  // The copyright file of libgcc-s1 is in a package with the compiler's version in its name.
  const depends = await field(files().find((name) => name.startsWith("libgcc-s1_"))!, "Depends");
  await download(/gcc-[\d.]+-base/.exec(depends)![0]);
  const versions: string[] = [];
  for (const file of files()) {
    await runCommand("dpkg-deb", ["--extract", file, join(dir, "root")], options);
    const [name, version] = [await field(file, "Package"), await field(file, "Version")];
    versions.push(`${name.trim()} ${version.trim()}`);
  }
  return versions;
}

/** Reads a file of the unpacked packages, whose libraries lie below /usr or, in older ones, not. */
function readLibrary(root: string, arch: Target["arch"], name: string): BroughtFile {
  const paths = ["usr/lib", "lib"].map((place) => join(root, place, `${arch}-linux-gnu`, name));
  const path = paths.find((path) => existsSync(path)) ?? paths[0]!;
  return { name, bytes: new Uint8Array(readFileSync(path)) };
}

function licensesOf(root: string, versions: string): string {
  const documents = join(root, "usr/share/doc");
  const copyrights = readdirSync(documents, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(documents, name, "copyright"));
  return [
    "The GNU C Library and GCC's runtime library\n\n" +
    `This file brings libraries of Debian's packages ${versions}, unchanged.\n` +
    "Debian publishes their complete sources as its source packages glibc and gcc, in the same\n" +
    "versions. To use other versions, build Converge on a machine that has them.\n",
    ...[...copyrights, ...COMMON_LICENSES].map((path) => readFileSync(path, "utf8")),
  ].join("\n");
}

/**
 * Gets the files for a processor.
 *
 * @throws {Error} where there is no apt, or it fails
 */
export async function fetchGlibc(arch: Target["arch"], options: FetchOptions): Promise<Glibc> {
  const dir = join(options.work, "glibc", arch);
  if (!existsSync(dir)) {
    try {
      await unpackInto(dir, ARCHITECTURES[arch].debian, options);
    } catch (cause) {
      options.signal?.throwIfAborted();
      const why = cause instanceof Deno.errors.NotFound
        ? "it comes from Debian's packages, and this system has no apt-get"
        : errorMessage(cause);
      throw new Error(`cannot get glibc for ${arch}: ${why}`, { cause });
    }
  }
  const root = join(dir, "root");
  return {
    loader: readLibrary(root, arch, ARCHITECTURES[arch].loader),
    libraries: LIBRARIES.map((name) => readLibrary(root, arch, name)),
    licenses: licensesOf(root, await Deno.readTextFile(join(dir, "versions"))),
  };
}

/** Makes the directory whole or not at all; another build may be doing the same. */
async function unpackInto(dir: string, architecture: string, options: FetchOptions): Promise<void> {
  await Deno.mkdir(dirname(dir), { recursive: true });
  const partial = await Deno.makeTempDir({ dir: dirname(dir), prefix: "partial-" });
  try {
    const versions = await unpackPackages(partial, architecture, options);
    await Deno.writeTextFile(join(partial, "versions"), versions.join(", "));
    await Deno.rename(partial, dir).catch((error) => {
      if (!existsSync(dir)) throw error;
    });
  } finally {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
  }
}
