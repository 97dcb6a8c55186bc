// @ts-check
/** Sizes and durations, as all programs and pages print them. @module */

/**
 * Bytes in the decimal unit that fits, with two or three digits.
 *
 * @param {number} bytes
 * @returns {string} for instance `95.4 MB`
 */
export function formatBytes(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/**
 * A duration in its two largest units, as options take them.
 *
 * @param {number} milliseconds
 * @returns {string} for instance `1h 30m`, `10m` or `45s`; `0s` for a negative one
 */
export function formatDuration(milliseconds) {
  let rest = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [];
  for (
    const [unit, seconds] of /** @type {const} */ ([["d", 86400], ["h", 3600], ["m", 60], ["s", 1]])
  ) {
    const amount = Math.floor(rest / seconds);
    rest %= seconds;
    if (amount > 0) parts.push(`${amount}${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0s";
}
