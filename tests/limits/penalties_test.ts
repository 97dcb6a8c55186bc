import { equal } from "node:assert/strict";
import { Penalties } from "../../lib/limits/penalties.ts";
import { parseIpRange } from "../../lib/text/ip_address.ts";
import { FakeClock } from "../support/fake_clock.ts";

function newPenalties(clock = new FakeClock()): Penalties {
  return new Penalties({ lockOutMs: 120_000, mostMs: 600_000, now: clock.now });
}

Deno.test("Penalties delays answers the longer the more a source has failed", () => {
  const penalties = newPenalties();
  equal(penalties.delay("a"), 0);
  penalties.charge("a", 2_000);
  equal(penalties.delay("a"), 100);
  penalties.charge("a", 2_000);
  equal(penalties.delay("a"), 200);
  for (let i = 0; i < 55; i++) penalties.charge("a", 2_000);
  equal(penalties.delay("a"), 5_000);
  equal(penalties.delay("b"), 0);
});

Deno.test("Penalties locks a source out until its charges have run off", () => {
  const clock = new FakeClock();
  const penalties = newPenalties(clock);
  for (let i = 0; i < 59; i++) equal(penalties.charge("a", 2_000), false);
  equal(penalties.lockedOut("a"), 0);
  equal(penalties.charge("a", 2_000), true);
  equal(penalties.lockedOut("a"), 120_000);
  equal(penalties.charge("a", 1_000), false);
  clock.pass(120_999);
  equal(penalties.lockedOut("a"), 1);
  equal(penalties.charge("a", 1), false);
  equal(penalties.lockedOut("a"), 2);
  clock.pass(2);
  equal(penalties.lockedOut("a"), 0);
  equal(penalties.charge("a", 2_000), false);
  equal(penalties.lockedOut("a"), 0);
});

Deno.test("Penalties charges ten minutes at most", () => {
  const clock = new FakeClock();
  const penalties = newPenalties(clock);
  for (let i = 0; i < 100; i++) penalties.charge("a", 10_000);
  equal(penalties.lockedOut("a"), 600_000);
});

Deno.test("Penalties never locks out a source where mistakes are followed by logins", () => {
  const clock = new FakeClock();
  const penalties = newPenalties(clock);
  // An hour in which a hundred people log in ten times each, all at the second attempt.
  for (let login = 0; login < 1000; login++) {
    equal(penalties.charge("office", 2_000), false);
    equal(penalties.charge("office", -10_000), false);
    clock.pass(3_600);
  }
  equal(penalties.delay("office"), 0);
});

Deno.test("Penalties remembers ten thousand sources, and forgets the oldest", () => {
  const clock = new FakeClock();
  const penalties = newPenalties(clock);
  for (let i = 0; i < 10_000; i++) penalties.charge(`source-${i}`, 10_000);
  for (let i = 0; i < 13; i++) penalties.charge("a", 10_000);
  equal(penalties.delay("source-0"), 0);
  equal(penalties.delay("source-1"), 500);
  equal(penalties.lockedOut("a"), 130_000);
  clock.pass(10_001);
  penalties.charge("b", 10_000);
  equal(penalties.lockedOut("a"), 119_999);
});

Deno.test("Penalties forgets sources without charges before others", () => {
  const clock = new FakeClock();
  const penalties = newPenalties(clock);
  penalties.charge("guesser", 600_000);
  for (let i = 0; i < 9_999; i++) penalties.charge(`source-${i}`, 2_000);
  for (let i = 0; i < 100; i++) penalties.charge(`office-${i}`, -10_000);
  equal(penalties.delay("source-0"), 100);
  clock.pass(2_000);
  for (let i = 0; i < 9_999; i++) penalties.charge(`scanner-${i}`, 1_000);
  equal(penalties.lockedOut("guesser"), 598_000);
  equal(penalties.delay("scanner-0"), 50);
  penalties.charge("late", 1);
  equal(penalties.delay("late"), 0.05);
});

Deno.test("Penalties takes a network of 64 bits for one source, and charges no exempt address", () => {
  const exempt = [parseIpRange("192.0.2.0/24")!, parseIpRange("2001:db8:1::/48")!];
  const now = new FakeClock().now;
  const penalties = new Penalties({ lockOutMs: 1_000, mostMs: 1_000, exempt, now });
  for (const address of ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::7"]) {
    equal(penalties.charge(address, 1_000), false);
    equal(penalties.lockedOut(address), 0);
  }
  for (const address of ["192.0.3.7", "2001:db8:2::7", "no address"]) {
    equal(penalties.charge(address, 1_000), true);
  }
  equal(penalties.lockedOut("2001:db8:2::8"), 1_000);
});
