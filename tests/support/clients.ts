/**
 * What tests with other people's clients share: a config file for ssh, random files, comparisons.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type ProgramOptions, type ProgramResult, run, type TempDir } from "./program.ts";
import type { Announced, World } from "./world.ts";

/**
 * Writes a config file with which `ssh -F FILE job` reaches the agent, its host key pinned.
 *
 * @param more lines that go before the others, so they win
 * @returns the file's path
 */
export function writeSshConfig(world: World, agent: Announced, more: string[] = []): string {
  const lines = [
    "Host job",
    ...more,
    "HostName localhost",
    `HostKeyAlias ${agent.id}`,
    `User ${agent.username}`,
    `IdentityFile ${world.key}`,
    "IdentitiesOnly yes",
    "IdentityAgent none",
    "BatchMode yes",
    "LogLevel ERROR",
    "UserKnownHostsFile /dev/null",
    `KnownHostsCommand /bin/echo ${agent.id} ${agent.hostKey}`,
    `ProxyCommand ${world.proxyCommand(agent.id)}`,
  ];
  return world.home.write(`config-${crypto.randomUUID()}`, lines.join("\n") + "\n");
}

/** Runs a program that has to end with status 0. */
export async function succeed(
  command: string,
  args: string[],
  options?: ProgramOptions,
): Promise<ProgramResult> {
  const result = await run(command, args, options);
  const what = `${command} ${args.join(" ")}\n${result.stdout}\n${result.stderr}`;
  assert.equal(result.code, 0, what);
  return result;
}

/** Random bytes. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // The most that one call gives.
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

/** Checks that two files hold the same bytes. */
export async function assertSameFile(actual: string, expected: string): Promise<void> {
  await succeed("cmp", [actual, expected]);
}

/**
 * Makes a directory of files of many sizes, with directories, an empty one too, a program, a
 * symbolic link and names that programs stumble over.
 *
 * @returns its path
 */
export function makeTree(dir: TempDir, name: string): string {
  const path = join(dir.path, name);
  for (const directory of ["", "directory/deeper", "empty"]) {
    Deno.mkdirSync(join(path, directory), { recursive: true });
  }
  for (const size of [0, 1, 32_767, 32_768, 262_145, 1_000_000]) {
    Deno.writeFileSync(join(path, `file-${size}`), randomBytes(size), { mode: 0o640 });
  }
  Deno.writeTextFileSync(join(path, "directory", "two words ü €"), "two\r\nlines");
  Deno.writeFileSync(join(path, "directory/deeper", "program"), randomBytes(5_000), {
    mode: 0o755,
  });
  Deno.symlinkSync("../file-1", join(path, "directory", "link"));
  const past = new Date("2001-02-03T04:05:06Z");
  Deno.utimeSync(join(path, "file-1"), past, past);
  return path;
}

/** What a comparison of directories leaves out. */
export interface TreeDifferences {
  /** Follows symbolic links, as clients do that copy what they point at. */
  followLinks?: boolean;
  /** @default true */
  modes?: boolean;
  /** Times of modification, in seconds, of files. @default true */
  times?: boolean;
}

/** Checks that two directories hold the same names, kinds, bytes, modes and times. */
export async function assertSameTree(
  actual: string,
  expected: string,
  options: TreeDifferences = {},
): Promise<void> {
  assert.equal(await describeTree(actual, options), await describeTree(expected, options));
}

async function describeTree(path: string, options: TreeDifferences): Promise<string> {
  const { followLinks = false, modes = true, times = true } = options;
  const mode = modes ? "%m" : "-";
  const time = times ? "%Ts" : "-";
  const script = `
    find ${followLinks ? "-L" : "-P"} . -mindepth 1 \\
      \\( -type f -printf '%p %y ${mode} ${time}\\n' \\) -o \\
      \\( -type l -printf '%p %y %l\\n' \\) -o -printf '%p %y ${mode}\\n' | LC_ALL=C sort
    find ${followLinks ? "-L" : "-P"} . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum`;
  return (await succeed("bash", ["-c", script], { cwd: path })).stdout;
}
