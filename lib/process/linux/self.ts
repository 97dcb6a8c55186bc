/** Environment and working directory of this process, through libc. */
import { decodeBytes } from "../../text/byte_text.ts";
import { cString, libc, O_CLOEXEC } from "./libc.ts";

/** The longest path that getcwd(3) may return, in bytes: PATH_MAX. */
const MAX_PATH = 4096;

/** The flags of open(2) for a directory that is only a place for other paths. */
const O_PATH = 0o10000000;

/** The bytes of a pointer. */
const WORD = 8;

/** environ(7); of two variables of a name the first counts, as for getenv(3). */
export function readEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const bytes of stringsAt(libc.environ)) {
    const variable = decodeBytes(bytes);
    const equals = variable.indexOf("=");
    if (equals > 0) env[variable.slice(0, equals)] ??= variable.slice(equals + 1);
  }
  return env;
}

/** Overwrites variables where the system keeps them: /proc/PID/environ shows that memory. */
export function wipeVariable(name: string): void {
  const start = `${name}=`;
  for (const bytes of stringsAt(libc.environ)) {
    if (decodeBytes(bytes).startsWith(start)) bytes.fill(0, start.length);
  }
}

/** The C strings of a NULL-terminated array at the address that a symbol holds, in place. */
function* stringsAt(symbol: Deno.PointerValue): Generator<Uint8Array> {
  const array = symbol && new Deno.UnsafePointerView(symbol).getPointer();
  if (!array) return;
  const pointers = new Deno.UnsafePointerView(array);
  for (let at = 0;; at += WORD) {
    const string = pointers.getPointer(at);
    if (!string) return;
    const length = Number(libc.strlen(string));
    yield new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(string, length));
  }
}

/**
 * getcwd(3).
 *
 * @throws {Error} if it was deleted or cannot be reached
 */
export function readDirectory(): string {
  const path = new Uint8Array(MAX_PATH);
  if (libc.getcwd(path, BigInt(MAX_PATH)) === null) throw new Error("getcwd failed");
  return decodeBytes(path.subarray(0, path.indexOf(0)));
}

/**
 * Opens a directory.
 *
 * @returns a path of its descriptor, and what closes that
 * @throws {Error} if it cannot be opened
 */
export function openDirectory(directory: string): { path: string; close: () => void } {
  const fd = libc.open(cString(directory), O_PATH | O_CLOEXEC, 0);
  if (fd < 0) throw new Error("cannot open the directory: it was deleted or cannot be reached");
  return { path: `/proc/self/fd/${fd}`, close: () => libc.close(fd) };
}
