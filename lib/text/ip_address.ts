/**
 * IP addresses and ranges of them, as people, sockets and headers write them. An IPv4 address that
 * is written as IPv6 (`::ffff:192.0.2.1`) counts as IPv4, and a zone (`fe80::1%eth0`) is left out.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** All addresses whose first `bits` bits are those of `address`. */
export interface IpRange {
  address: IpAddress;
  bits: number;
}

const MAPPED_BITS = 96;

/** Parses an address; IPv4 takes four decimal numbers, without leading zeros. */
export function parseAddress(text: string): IpAddress | undefined {
  const bare = text.replace(/%.*$/, "");
  if (ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare)) {
    return ipaddr.process(bare);
  }
}

/** Parses a range such as `10.0.0.0/8`; an address alone is a range of one. */
export function parseIpRange(text: string): IpRange | undefined {
  const [, start, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(start ?? "");
  if (!address) return;
  const all = address.kind() === "ipv4" ? 32 : 128;
  if (length === undefined) return { address, bits: all };
  const bits = Number(length) - (all === 32 && start!.includes(":") ? MAPPED_BITS : 0);
  if (bits >= 0 && bits <= all) return { address, bits };
}

/**
 * Parses ranges that commas separate.
 *
 * @throws {TypeError} that names the first that is invalid
 */
export function parseIpRanges(text: string): IpRange[] {
  return text.split(",").map((item) => {
    const range = parseIpRange(item.trim());
    if (!range) throw new TypeError(`"${item.trim()}" is not an address or a range of addresses.`);
    return range;
  });
}

export function isInRange(address: IpAddress, range: IpRange): boolean {
  return address.kind() === range.address.kind() && address.match(range.address, range.bits);
}

/** Whether a text is an address in one of the ranges. */
export function isInRanges(text: string, ranges: IpRange[]): boolean {
  const address = ranges.length === 0 ? undefined : parseAddress(text);
  return address !== undefined && ranges.some((range) => isInRange(address, range));
}

/** What counts as one address for limits: of IPv6 the first 64 bits, which one person has. */
export function networkOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  const bytes = address.toByteArray();
  return bytes.slice(0, bytes.length === 16 ? 8 : 4).join(".");
}
