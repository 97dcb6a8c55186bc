/** Where wsproxy's own program is, and where it goes. */
import { copyFile, mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { findProgram } from "../../program/find_program.ts";
import { fileErrorReason } from "../../text/file_error.ts";
import { replaceFile } from "./replace_file.ts";

/** The program that runs. */
export interface OwnProgram {
  /** The executable; missing when Deno or Node run it from a script. */
  executable?: string;
  /** The words that start it. */
  words: string[];
}

/** The program that runs now. */
export function ownProgram(): OwnProgram {
  const { execPath, argv, versions } = process;
  if (Deno.build.standalone) return { executable: execPath, words: [execPath] };
  const run = "deno" in versions ? ["run", "--no-prompt", "-N", "-E", "-R", "-W"] : [];
  return { words: [execPath, ...run, argv[1]!] };
}

/** A person's computer, as far as setup looks at it. */
export interface Computer {
  /** The person's home. */
  home: string;
  env: Record<string, string>;
  windows: boolean;
}

/** @throws {Error} if the environment does not name the home */
export function thisComputer(): Computer {
  const env = Deno.env.toObject();
  const windows = Deno.build.os === "windows";
  const name = windows ? "USERPROFILE" : "HOME";
  const home = env[name];
  if (!home) throw new Error(`cannot find your home directory: the variable ${name} is not set`);
  return { home, env, windows };
}

/** The directory of a person's own programs. */
export function programDirectory({ home, env, windows }: Computer): string {
  if (!windows) return join(home, ".local/bin");
  return join(env.LOCALAPPDATA ?? join(home, "AppData/Local"), "Programs", "Converge");
}

/** Where wsproxy is after {@link installProgram}. */
export interface InstalledProgram {
  path: string;
  /** What was done. */
  change: "unchanged" | "copied" | "replaced";
  /** Whether a shell finds it by its name. */
  onPath: boolean;
}

/**
 * Puts an executable where a shell finds it as `wsproxy`, unless it is there.
 *
 * @param made gets the paths of what was made
 * @throws {Error} if it cannot be copied
 */
export async function installProgram(
  executable: string,
  computer: Computer,
  made: string[],
): Promise<InstalledProgram> {
  const found = findProgram("wsproxy", computer.env);
  if (found !== undefined && await isSameFile(found, executable)) {
    return { path: found, change: "unchanged", onPath: true };
  }
  const directory = programDirectory(computer);
  const path = join(directory, computer.windows ? "wsproxy.exe" : "wsproxy");
  const installed = (change: InstalledProgram["change"]) => {
    const first = findProgram("wsproxy", computer.env);
    return { path, change, onPath: first !== undefined && dirname(first) === directory };
  };
  if (await isSameFile(path, executable)) return installed("unchanged");
  await makeDirectory(directory, made);
  const existed = await exists(path);
  await replaceFile(path, (partial) => copyFile(executable, partial), { always: 0o755 });
  if (!existed) made.push(path);
  return installed(existed ? "replaced" : "copied");
}

/**
 * Makes a directory with those above it.
 *
 * @param made gets the paths of those that were made, from above
 * @throws {Error} `cannot make the directory "…": why`
 */
export async function makeDirectory(path: string, made: string[], mode = 0o777): Promise<void> {
  if (await exists(path)) return;
  await makeDirectory(dirname(path), made, mode);
  try {
    await mkdir(path, { mode });
  } catch (cause) {
    throw new Error(`cannot make the directory "${path}": ${fileErrorReason(cause)}`, { cause });
  }
  made.push(path);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  try {
    return await realpath(path) === await realpath(other);
  } catch {
    return false;
  }
}

/** What to do so that a shell finds the programs in `directory`. */
export function pathAdvice(directory: string, { home, windows }: Computer): string[] {
  if (windows) {
    return [
      `${directory} is not in PATH; ssh does not need that. To call wsproxy by its name, in PowerShell:`,
      `  [Environment]::SetEnvironmentVariable('Path', [Environment]::GetEnvironmentVariable('Path', 'User') + ';${directory}', 'User')`,
    ];
  }
  const shown = directory.startsWith(`${home}/`)
    ? `$HOME${directory.slice(home.length)}`
    : directory;
  return [
    `${directory} is not in PATH; ssh does not need that. To call wsproxy by its name, add to ~/.profile:`,
    `  export PATH="${shown}:$PATH"`,
  ];
}
