const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest duration that a timer of the platform can wait, about 24.8 days. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/**
 * Parses a duration such as `90s`, `10m`, `1h30m` or `0s` into milliseconds.
 *
 * @throws {TypeError} if it is invalid, or longer than 24 days
 */
export function parseDuration(text: string): number {
  // From the start on without a gap: looking further would take steps for each pair of digits.
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)/gy)];
  if (text === "" || parts.map(([part]) => part).join("") !== text) {
    throw new TypeError(`"${text}" is not a duration such as 90s, 10m or 1h30m.`);
  }
  const total = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit as keyof typeof UNITS],
    0,
  );
  if (total > MAX_DURATION_MS) throw new TypeError(`"${text}" is longer than 24 days.`);
  return total;
}
