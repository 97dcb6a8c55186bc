import { spawnPosixProcess } from "./posix/process.ts";
import type { Process, ProcessOptions, Pty, PtyOptions } from "./process.ts";

// Each platform's files load native code of that platform, so only the right ones are imported:
// now, when nothing can be in the way. The build leaves out the branches of other platforms.
const windows = Deno.build.os === "windows" ? await import("./windows/process.ts") : undefined;
const linux = Deno.build.os === "linux"
  ? { ...await import("./linux/process.ts"), ...await import("./linux/terminal.ts") }
  : undefined;

/**
 * Starts a program with pipes.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnProcess(options: ProcessOptions): Process {
  if (windows) return windows.spawnWindowsProcess(options);
  return linux ? linux.spawnLinuxProcess(options) : spawnPosixProcess(options);
}

/**
 * Starts a program with a terminal.
 *
 * @throws {Error} if it cannot be started
 */
export async function spawnPty(options: PtyOptions): Promise<Pty> {
  // In one expression, so that the build sees which branch is left.
  return Deno.build.os === "windows"
    ? windows!.spawnWindowsPty(options)
    : Deno.build.os === "linux"
    ? linux!.spawnLinuxPty(options)
    : (await import("./posix/pty.ts")).spawnPosixPty(options);
}

/**
 * Checks that programs can be started with a terminal; on macOS that loads node-pty, from where a
 * later cleaning of the directory for temporary files cannot reach it.
 *
 * @throws {Error} if not
 */
export async function checkPty(): Promise<void> {
  if (linux) linux.checkTerminal();
  else if (Deno.build.os === "darwin") await import("./posix/pty.ts");
}
