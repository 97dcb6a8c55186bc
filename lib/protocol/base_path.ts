const PREFIX = /^(\/[A-Za-z0-9._~-]{1,64}){1,8}$/;

/** Whether `text` can stand before all paths of a server: `/prefix`, `/a/b`; no `.` or `..`. */
export function isPrefix(text: string): boolean {
  return PREFIX.test(text) && !text.split("/").some((segment) => /^\.{1,2}$/.test(segment));
}

/**
 * Parses a base path such as `/`, `/prefix` or `/prefix/`.
 *
 * @returns it without the slash at its end: empty for the root
 * @throws {TypeError} if it is invalid
 */
export function parseBasePath(text: string): string {
  const prefix = text.replace(/\/$/, "");
  if (text === "" || (prefix !== "" && !isPrefix(prefix))) {
    throw new TypeError(`"${text}" is not a path such as /prefix.`);
  }
  return prefix;
}
