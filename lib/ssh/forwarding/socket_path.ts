/** The longest path that a unix socket's address can hold (unix(7), macOS's unix(4)), in bytes. */
const MAX_PATH_BYTES = Deno.build.os === "darwin" ? 103 : 107;

/**
 * Checks a unix socket's path.
 *
 * @throws {Error} if it is too long
 */
export function checkSocketPath(path: string): void {
  const { length } = new TextEncoder().encode(path);
  if (length > MAX_PATH_BYTES) {
    throw new Error(
      `a socket's path can have ${MAX_PATH_BYTES} bytes at most, "${path}" has ${length}`,
    );
  }
}
