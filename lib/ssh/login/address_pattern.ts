/**
 * Lists of addresses as `from=` of authorized_keys has them (ssh_config(5), PATTERNS): wildcards
 * `*` and `?`, ranges `address/bits`, and `!` before any of them. Host names are not looked up.
 *
 * @module
 */
import { isInRange, parseAddress, parseIpRange } from "../../text/ip_address.ts";

/**
 * Whether an address is on a list: some pattern matches and none with `!` does.
 *
 * @param patterns separated by commas
 */
export function matchesAddress(patterns: string, address: string): boolean {
  let matched = false;
  for (const written of patterns.split(",")) {
    const negated = written.trim().startsWith("!");
    const pattern = written.trim().slice(negated ? 1 : 0);
    if (pattern === "" || !matchesOne(pattern, address)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/**
 * The first malformed range on a list, such as `10.0.0.0/33`: it would match nothing, and with `!`
 * keep nobody out.
 */
export function malformedRange(patterns: string): string | undefined {
  return patterns.split(",").map((pattern) => pattern.trim().replace(/^!/, ""))
    .find((pattern) => pattern.includes("/") && !parseIpRange(pattern));
}

function matchesOne(pattern: string, text: string): boolean {
  const address = parseAddress(text);
  const range = parseIpRange(pattern);
  if (range && address) return isInRange(address, range);
  const expression = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(address?.toString() ?? text.toLowerCase());
}
