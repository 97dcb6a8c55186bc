/**
 * What may be started and entered. Names are as in lib/text/byte_text.ts, which Deno's own
 * functions do not take.
 *
 * @module
 */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";

// Its native code is not there on other systems.
const linux = Deno.build.os === "linux" ? await import("./linux/libc.ts") : undefined;

/** Whether this user may start a file as a program. */
export function isProgram(path: string): boolean {
  return mayExecute(path) && !isDirectory(path);
}

/**
 * The longest directory that CreateProcessW starts a program in, whatever else takes longer paths:
 * MAX_PATH less a backslash and a NUL, in UTF-16 units.
 */
const MAX_WINDOWS_DIRECTORY = 258;

/** Whether programs of this user can start in a directory. */
function mayEnter(path: string): boolean {
  if (Deno.build.os === "windows" && path.length > MAX_WINDOWS_DIRECTORY) return false;
  return mayExecute(path) && isDirectory(path);
}

/** The directory itself, or the nearest one above it that exists and that programs can start in. */
export function nearestDirectory(path: string): string {
  const parent = dirname(path);
  return parent === path || mayEnter(path) ? path : nearestDirectory(parent);
}

/** For a directory: whether its files can be reached. */
function mayExecute(path: string): boolean {
  if (linux) {
    return !path.includes("\0") && linux.libc.access(linux.cString(path), constants.X_OK) === 0;
  }
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  if (linux) return linux.libc.access(linux.cString(`${path}/.`), constants.F_OK) === 0;
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
