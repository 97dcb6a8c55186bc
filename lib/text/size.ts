const UNITS: Record<string, number> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/**
 * Parses an amount of bytes such as `16MiB`, `512KiB` or `65536`.
 *
 * @throws {TypeError} if it is invalid
 */
export function parseSize(text: string): number {
  const match = /^(\d{1,9})(KiB|MiB|GiB|)$/.exec(text);
  if (!match) throw new TypeError(`"${text}" is not a size such as 16MiB or 65536.`);
  return Number(match[1]) * UNITS[match[2]!]!;
}
