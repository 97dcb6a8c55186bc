/**
 * Lists of addresses as `from=` of authorized_keys has them (ssh_config(5), PATTERNS): wildcards `*` and
 * `?`, networks `address/bits`, and `!` before any of them. Host names are not looked up. Pure.
 *
 * @module
 */

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
 * The first network on a list that is none, as `10.0.0.0/33`: it would match nothing, or keep nobody
 * out.
 */
export function malformedNetwork(patterns: string): string | undefined {
  return patterns.split(",").map((pattern) => pattern.trim().replace(/^!/, ""))
    .find((pattern) => pattern.includes("/") && !parseNetwork(pattern));
}

function matchesOne(pattern: string, address: string): boolean {
  const bytes = parseAddress(address);
  const network = parseNetwork(pattern);
  if (pattern.includes("/") || (network && bytes)) {
    return network !== undefined && bytes !== undefined &&
      network.bytes.length === bytes.length && samePrefix(network.bytes, bytes, network.bits);
  }
  const expression = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*").replaceAll("?", ".");
  const plain = address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, "");
  return new RegExp(`^${expression}$`).test(plain);
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let i = 0; i < bits; i += 8) {
    const mask = 0xff00 >> Math.min(8, bits - i) & 0xff;
    if ((a[i / 8]! & mask) !== (b[i / 8]! & mask)) return false;
  }
  return true;
}

/** An address with or without the length of a prefix in bits. */
function parseNetwork(text: string): { bytes: Uint8Array; bits: number } | undefined {
  const [, address, bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = address === undefined ? undefined : parseAddress(address);
  if (!bytes) return;
  const length = bytes.length * 8;
  const network = { bytes, bits: bits === undefined ? length : Number(bits) };
  return network.bits <= length ? network : undefined;
}

/** The 4 or 16 bytes of an address; IPv4 within IPv6 counts as IPv4. */
function parseAddress(text: string): Uint8Array | undefined {
  const v4 = parseV4(text);
  if (v4) return v4;
  const mapped = /^::ffff:([\d.]+)$/i.exec(text);
  if (mapped) return parseV4(mapped[1]!);
  return parseV6(text.replace(/%.*$/, ""));
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return;
  }
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | undefined {
  if (!/^[\da-f:]*:[\da-f:]*$/i.test(text)) return;
  const halves = text.split("::");
  if (halves.length > 2) return;
  const [head, tail] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - head!.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return;
  const groups = [...head!, ...Array(missing).fill("0"), ...(tail ?? [])];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return;
  return Uint8Array.from(groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  }));
}
