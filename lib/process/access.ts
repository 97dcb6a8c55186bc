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

/** Whether this user may change to a directory. */
export function mayEnter(path: string): boolean {
  return mayExecute(path) && isDirectory(path);
}

/** The directory itself, or the nearest one above it that exists and can be entered. */
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
