/**
 * The line in a person's ssh_config that includes ours. All other bytes stay as they are, whatever
 * their encoding and line ends. Pure.
 *
 * @module
 */

/** Relative to `~/.ssh`, so that the file can move with the home. */
export const INCLUDE_LINE = "Include converge/config";

const OURS = /^[ \t]*include[ \t]+converge\/config[ \t]*\r?\n?$/i;
const BLOCK = /^[ \t]*(host|match)[ \t=]/i;

/** The lines with their ends; each character stands for one byte. */
function linesOf(config: Uint8Array): string[] {
  const text = Array.from(config, (byte) => String.fromCharCode(byte)).join("");
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The line's place above all blocks, where it counts for every host; -1 if it is not there. */
function placeOf(lines: string[]): number {
  const end = lines.findIndex((line) => BLOCK.test(line));
  return (end < 0 ? lines : lines.slice(0, end)).findIndex((line) => OURS.test(line));
}

/** The configuration with the line in front; undefined if it has the line. */
export function withInclude(config: Uint8Array): Uint8Array | undefined {
  const lines = linesOf(config);
  if (placeOf(lines) >= 0) return undefined;
  const end = lines[0]?.endsWith("\r\n") ? "\r\n" : "\n";
  return joined(new TextEncoder().encode(INCLUDE_LINE + end), config);
}

/** The configuration without the line; undefined if it does not have it. */
export function withoutInclude(config: Uint8Array): Uint8Array | undefined {
  const lines = linesOf(config);
  const place = placeOf(lines);
  if (place < 0) return undefined;
  const start = lines.slice(0, place).join("").length;
  return joined(config.subarray(0, start), config.subarray(start + lines[place]!.length));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
