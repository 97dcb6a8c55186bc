import { equal, notEqual, throws } from "node:assert/strict";
import {
  isInRange,
  isInRanges,
  networkOf,
  parseAddress,
  parseIpRange,
  parseIpRanges,
} from "../../lib/text/ip_address.ts";

const ADDRESSES: Record<string, string | undefined> = {
  "192.0.2.1": "192.0.2.1",
  "::ffff:192.0.2.1": "192.0.2.1",
  "::FFFF:c000:201": "192.0.2.1",
  "2001:DB8:0::1": "2001:db8::1",
  "fe80::1%eth0": "fe80::1",
  "fe80::1%br-0.5": "fe80::1",
  // Some programs read these as octal or as fewer, larger numbers.
  "010.0.0.1": undefined,
  "10.1": undefined,
  "2130706433": undefined,
  "0x7f.0.0.1": undefined,
  "10.0.0.256": undefined,
  "1::2::3": undefined,
  "example.org": undefined,
  "": undefined,
};

for (const [text, expected] of Object.entries(ADDRESSES)) {
  Deno.test(`parseAddress() makes ${expected ?? "nothing"} of "${text}"`, () => {
    equal(parseAddress(text)?.toString(), expected);
  });
}

const RANGES: [range: string, address: string, expected: boolean][] = [
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["10.1.0.0/15", "10.0.255.255", true],
  ["192.168.1.128/25", "192.168.1.127", false],
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1/32", "192.0.2.1", true],
  ["2001:db8::1/128", "2001:db8::1", true],
  ["192.0.2.1", "192.0.2.2", false],
  ["0.0.0.0/0", "1.2.3.4", true],
  ["0.0.0.0/0", "::1", false],
  ["::/0", "1.2.3.4", false],
  ["2001:db8::/32", "2001:db8:0:1::5", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["::ffff:10.0.0.0/104", "10.1.2.3", true],
  ["::ffff:10.0.0.0/104", "11.1.2.3", false],
];

for (const [range, address, expected] of RANGES) {
  Deno.test(`isInRange() ${expected ? "finds" : "misses"} ${address} in ${range}`, () => {
    equal(isInRange(parseAddress(address)!, parseIpRange(range)!), expected);
  });
}

for (
  const text of ["10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "::/129", "::ffff:10.0.0.0/8", "/8"]
) {
  Deno.test(`parseIpRange() refuses "${text}"`, () => equal(parseIpRange(text), undefined));
}

Deno.test("networkOf() keeps IPv4 addresses apart, and IPv6 networks of 64 bits", () => {
  notEqual(networkOf("192.0.2.1"), networkOf("192.0.2.2"));
  equal(networkOf("192.0.2.1"), networkOf("::ffff:192.0.2.1"));
  equal(networkOf("2001:db8::1"), networkOf("2001:db8::ffff:ffff:ffff:ffff"));
  notEqual(networkOf("2001:db8::1"), networkOf("2001:db8:0:1::1"));
  equal(networkOf("unknown"), "unknown");
});

Deno.test("parseIpRanges() takes ranges that commas separate, isInRanges() looks in all of them", () => {
  const ranges = parseIpRanges("192.0.2.0/24, 2001:db8::/32,198.51.100.7");
  for (const address of ["192.0.2.9", "2001:db8::9", "198.51.100.7"]) {
    equal(isInRanges(address, ranges), true);
  }
  for (const text of ["192.0.3.9", "2001:db9::9", "198.51.100.8", "no address", ""]) {
    equal(isInRanges(text, ranges), false);
  }
  throws(() => parseIpRanges("192.0.2.0/24,10.0.0.0/33"), /"10\.0\.0\.0\/33" is not an address/);
});

Deno.test("networkOf() tells networks by all their bytes", () => {
  const v4 = ["10.0.0.1", "11.0.0.1", "10.1.0.1", "10.0.1.1", "10.0.0.2"];
  const v6 = ["2001:db8:0:1::1", "2101:db8:0:1::1", "2001:db8:0:2::1"];
  equal(new Set([...v4, ...v6].map(networkOf)).size, v4.length + v6.length);
  equal(networkOf("2001:db8:0:1:ffff::"), networkOf("2001:db8:0:1::1"));
});
