import type { Process, ProcessOptions, Pty, PtyOptions } from "./process.ts";

// Each platform's files load native code of that platform, so only the right ones are imported.

/**
 * Starts a program with pipes.
 *
 * @throws {Error} if it cannot be started
 */
export async function spawnProcess(options: ProcessOptions): Promise<Process> {
  const platform = Deno.build.os === "windows"
    ? await import("./windows/process.ts")
    : await import("./posix/process.ts");
  return await platform.spawnProcess(options);
}

/**
 * Starts a program with a terminal.
 *
 * @throws {Error} if it cannot be started
 */
export async function spawnPty(options: PtyOptions): Promise<Pty> {
  const platform = Deno.build.os === "windows"
    ? await import("./windows/process.ts")
    : await import("./posix/pty.ts");
  return await platform.spawnPty(options);
}
