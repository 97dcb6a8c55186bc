import type { Process, ProcessOptions, Pty, PtyOptions } from "./process.ts";

// Each platform's files load native code of that platform, so only the right ones are imported.

/**
 * Starts a program with pipes.
 *
 * @throws {Error} if it cannot be started
 */
export async function spawnProcess(options: ProcessOptions): Promise<Process> {
  return Deno.build.os === "windows"
    ? (await import("./windows/process.ts")).spawnWindowsProcess(options)
    : (await import("./posix/process.ts")).spawnPosixProcess(options);
}

/**
 * Starts a program with a terminal.
 *
 * @throws {Error} if it cannot be started
 */
export async function spawnPty(options: PtyOptions): Promise<Pty> {
  return Deno.build.os === "windows"
    ? (await import("./windows/process.ts")).spawnWindowsPty(options)
    : (await import("./posix/pty.ts")).spawnPosixPty(options);
}
