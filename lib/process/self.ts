/**
 * This process, and what it got from the program that started it, byte for byte: Deno's own
 * functions take and return valid UTF-8 only, and leave other variables out. Text is as in
 * lib/text/byte_text.ts.
 *
 * @module
 */

// Its native code is not there on other systems.
const linux = Deno.build.os === "linux"
  ? { ...await import("./linux/self.ts"), ...await import("./linux/children.ts") }
  : undefined;

/** The environment. */
export function ownEnvironment(): Record<string, string> {
  return linux ? linux.readEnvironment() : Deno.env.toObject();
}

/**
 * Removes variables from the environment, on Linux from what /proc shows of it to other processes of
 * the user, too.
 */
export function wipeVariables(names: readonly string[]): void {
  for (const name of names) {
    linux?.wipeVariable(name);
    Deno.env.delete(name);
  }
}

/**
 * The working directory.
 *
 * @throws {Error} if it was deleted or cannot be reached
 */
export function ownDirectory(): string {
  try {
    return linux ? linux.readDirectory() : Deno.cwd();
  } catch (cause) {
    throw new Error(
      "cannot start here: the working directory was deleted or cannot be reached; change to another",
      { cause },
    );
  }
}

/**
 * A path of a directory for Deno's functions: another one if its name is not valid UTF-8, which is
 * good for as long as this process runs.
 *
 * @throws {Error} if the directory cannot be opened
 */
export function openPath(directory: string): string {
  return linux && !directory.isWellFormed() ? linux.openDirectory(directory).path : directory;
}

/** Calls `use` with a short path of a directory, on Linux. */
export function atShortPath<T>(directory: string, use: (path: string) => T): T {
  if (!linux) return use(directory);
  const { path, close } = linux.openDirectory(directory);
  try {
    return use(path);
  } finally {
    close();
  }
}

/**
 * Leaves the working directory. It may be deleted, and Deno's own code fails in one that was, or
 * whose name is not valid UTF-8. Windows deletes no directory that a process is in.
 */
export function leaveDirectory(): void {
  if (Deno.build.os !== "windows") Deno.chdir("/");
}

/** As process 1 on Linux, waits from now on for all programs that others leave behind. */
export function reapOrphans(): void {
  linux?.startReaping();
}
