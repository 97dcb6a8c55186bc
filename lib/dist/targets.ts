/** What is built: the programs, the platforms they run on, and the names of the files. */

/** The programs that are built for each platform. */
export const PROGRAMS = ["agent", "wsproxy", "tunnel"] as const;

/** Any program that is built: the server is for Linux alone, and as an executable only. */
export type ProgramName = typeof PROGRAMS[number] | "server";

/** Those that run on Node too. */
export const NODE_PROGRAMS: readonly ProgramName[] = ["wsproxy", "tunnel"];

/** A platform that executables are built for. */
export interface Target {
  /** What people call it. */
  name: string;
  /** What `deno compile --target` calls it. */
  triple: string;
  os: "linux" | "windows" | "darwin";
  arch: "x86_64" | "aarch64";
  /** What follows the program's name in the name of the file. */
  suffix: string;
  /** What `uname -s` and `uname -m` print there, joined by a hyphen; Windows has no uname. */
  uname?: string;
}

export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    triple: "x86_64-unknown-linux-gnu",
    os: "linux",
    arch: "x86_64",
    suffix: "",
    uname: "Linux-x86_64",
  },
  {
    name: "windows-x64",
    triple: "x86_64-pc-windows-msvc",
    os: "windows",
    arch: "x86_64",
    suffix: ".exe",
  },
  {
    name: "linux-arm64",
    triple: "aarch64-unknown-linux-gnu",
    os: "linux",
    arch: "aarch64",
    suffix: "-linux-arm64",
    uname: "Linux-aarch64",
  },
  {
    name: "darwin-arm64",
    triple: "aarch64-apple-darwin",
    os: "darwin",
    arch: "aarch64",
    suffix: "-darwin-arm64",
    uname: "Darwin-arm64",
  },
  {
    name: "darwin-x64",
    triple: "x86_64-apple-darwin",
    os: "darwin",
    arch: "x86_64",
    suffix: "-darwin-x64",
    uname: "Darwin-x86_64",
  },
];

/** Whether this machine runs what is built for `target`. */
export function runsHere({ os, arch }: Target): boolean {
  return os === Deno.build.os && arch === Deno.build.arch;
}

/** One file that is built: an executable, or without a target something made of the bundle. */
export interface Artifact {
  /** The name of the file, for instance `agent.exe`, `agent-linux-arm64` or `agent.js`. */
  name: string;
  program: ProgramName;
  target?: Target;
  /** Whether it is an npm package. */
  packed?: boolean;
}

/** The files that are built for `targets`, bundles first: they are the quickest. */
export function artifacts(targets: readonly Target[]): Artifact[] {
  return [
    ...PROGRAMS.map((program) => ({ name: `${program}.js`, program })),
    ...NODE_PROGRAMS.map((program) => ({ name: `${program}.tgz`, program, packed: true })),
    ...targets.flatMap((target) => {
      const programs: ProgramName[] = [
        ...PROGRAMS,
        ...target.os === "linux" ? ["server"] as const : [],
      ];
      return programs.map((program) => ({ name: `${program}${target.suffix}`, program, target }));
    }),
  ];
}

/**
 * The name of a file for one that a command like `curl HOST/static/agent-$(uname -s)-$(uname -m)`
 * asks for; any other name as it is.
 */
export function fileNameOf(name: string): string {
  const [, program, uname] = /^([a-z]+)-(.+)$/.exec(name) ?? [];
  const target = TARGETS.find((target) => target.uname === uname && uname !== undefined);
  return target === undefined ? name : `${program}${target.suffix}`;
}

/**
 * Finds a target by its name or its triple.
 *
 * @throws {TypeError} for any other text
 */
export function parseTarget(text: string): Target {
  const target = TARGETS.find(({ name, triple }) => text === name || text === triple);
  if (target === undefined) {
    const names = TARGETS.map(({ name }) => name).join(", ");
    throw new TypeError(`"${text}" is not one of ${names}.`);
  }
  return target;
}
