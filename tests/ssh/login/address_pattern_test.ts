import { equal } from "node:assert/strict";
import { matchesAddress } from "../../../lib/ssh/login/address_pattern.ts";

const CASES: [patterns: string, address: string, expected: boolean][] = [
  ["10.1.2.3", "10.1.2.3", true],
  ["10.1.2.3", "10.1.2.30", false],
  ["10.1.2.3", "::ffff:10.1.2.3", true],
  ["10.*", "10.1.2.3", true],
  ["10.*", "110.1.2.3", false],
  ["10.1.2.?", "10.1.2.3", true],
  ["10.1.2.?", "10.1.2.34", false],
  ["*", "2001:db8::1", true],
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["10.1.0.0/15", "10.1.255.255", true],
  ["192.168.1.128/25", "192.168.1.127", false],
  ["0.0.0.0/0", "1.2.3.4", true],
  ["0.0.0.0/0", "::1", false],
  ["::/0", "::1", true],
  ["2001:db8::/32", "2001:0db8:0:1::5", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["2001:DB8::1", "2001:db8:0:0:0:0:0:1", true],
  ["fe80::1", "fe80::1%eth0", true],
  ["10.0.0.0/8,!10.0.0.1", "10.0.0.2", true],
  ["10.0.0.0/8,!10.0.0.1", "10.0.0.1", false],
  ["!10.0.0.1,10.0.0.0/8", "10.0.0.1", false],
  ["!10.0.0.1", "10.0.0.2", false],
  ["192.0.2.1, 10.0.0.1", "10.0.0.1", true],
  ["example.org", "192.0.2.1", false],
  ["10.0.0.0/33", "10.0.0.1", false],
  ["10.0.0.0/x", "10.0.0.1", false],
  ["10.0.0.0/", "10.0.0.1", false],
  ["", "10.0.0.1", false],
  ["*", "unknown", true],
  ["1::2::3", "1::2", false],
];

for (const [patterns, address, expected] of CASES) {
  Deno.test(`matchesAddress() ${expected ? "finds" : "misses"} ${address} in "${patterns}"`, () => {
    equal(matchesAddress(patterns, address), expected);
  });
}
