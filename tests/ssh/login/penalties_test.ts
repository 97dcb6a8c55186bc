import { equal } from "node:assert/strict";
import { Charge, Penalties } from "../../../lib/ssh/login/penalties.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("Penalties delays answers the longer the more a source has failed", () => {
  const penalties = new Penalties(new FakeClock().now);
  equal(penalties.delay("a"), 0);
  penalties.charge("a", Charge.failure);
  equal(penalties.delay("a"), 100);
  penalties.charge("a", Charge.failure);
  equal(penalties.delay("a"), 200);
  for (let i = 0; i < 55; i++) penalties.charge("a", Charge.failure);
  equal(penalties.delay("a"), 5_000);
  equal(penalties.delay("b"), 0);
});

Deno.test("Penalties locks a source out until its charges have run off", () => {
  const clock = new FakeClock();
  const penalties = new Penalties(clock.now);
  for (let i = 0; i < 59; i++) equal(penalties.charge("a", Charge.failure), false);
  equal(penalties.lockedOut("a"), 0);
  equal(penalties.charge("a", Charge.failure), true);
  equal(penalties.lockedOut("a"), 120_000);
  equal(penalties.charge("a", Charge.noLogin), false);
  clock.pass(120_999);
  equal(penalties.lockedOut("a"), 1);
  clock.pass(1);
  equal(penalties.lockedOut("a"), 0);
  equal(penalties.charge("a", Charge.failure), false);
  equal(penalties.lockedOut("a"), 0);
});

Deno.test("Penalties charges ten minutes at most", () => {
  const clock = new FakeClock();
  const penalties = new Penalties(clock.now);
  for (let i = 0; i < 100; i++) penalties.charge("a", Charge.timeout);
  equal(penalties.lockedOut("a"), 600_000);
});

Deno.test("Penalties never locks out a source where mistakes are followed by logins", () => {
  const clock = new FakeClock();
  const penalties = new Penalties(clock.now);
  // An hour in which a hundred people log in ten times each, all at the second attempt.
  for (let login = 0; login < 1000; login++) {
    equal(penalties.charge("office", Charge.failure), false);
    equal(penalties.charge("office", Charge.login), false);
    clock.pass(3_600);
  }
  equal(penalties.delay("office"), 0);
});

Deno.test("Penalties remembers ten thousand sources, and forgets the oldest", () => {
  const clock = new FakeClock();
  const penalties = new Penalties(clock.now);
  for (let i = 0; i < 10_000; i++) penalties.charge(`source-${i}`, Charge.timeout);
  for (let i = 0; i < 13; i++) penalties.charge("a", Charge.timeout);
  equal(penalties.delay("source-0"), 0);
  equal(penalties.delay("source-1"), 500);
  equal(penalties.lockedOut("a"), 130_000);
  clock.pass(10_001);
  penalties.charge("b", Charge.timeout);
  equal(penalties.lockedOut("a"), 119_999);
});
