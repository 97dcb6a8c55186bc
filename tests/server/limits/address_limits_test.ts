import assert from "node:assert/strict";
import { parseIpRange } from "../../../lib/text/ip_address.ts";
import { AddressLimits } from "../../../lib/server/limits/address_limits.ts";

function world(options: { connections?: number; registrations?: number } = {}) {
  const clock = { now: 0 };
  const limits = new AddressLimits({
    maxConnectionsPerMinute: options.connections ?? 60,
    maxRegistrationsPerMinute: options.registrations ?? 60,
    now: () => clock.now,
  });
  return { clock, limits };
}

Deno.test("AddressLimits lets one address connect only so often, and others not less for it", () => {
  const { clock, limits } = world();
  for (let i = 0; i < 60; i++) assert.equal(limits.connect("192.0.2.1"), undefined);
  const { label, status, reason } = limits.connect("192.0.2.1")!;
  assert.deepEqual([label, status], ["too-many-connections", 503]);
  assert.equal(reason, "more than 60 connections a minute from one address: try again soon");
  assert.equal(limits.connect("192.0.2.2"), undefined);
  clock.now += 1_000;
  assert.equal(limits.connect("192.0.2.1"), undefined);
  assert.notEqual(limits.connect("192.0.2.1"), undefined);
});

Deno.test("AddressLimits takes a network of 64 bits for one address", () => {
  const { limits } = world({ registrations: 1 });
  assert.equal(limits.register("2001:db8::1"), undefined);
  assert.equal(limits.register("2001:db8::ffff:1")?.label, "too-many-registrations");
  assert.equal(limits.register("2001:db8:0:1::1"), undefined);
  assert.equal(limits.register("192.0.2.1"), undefined);
  assert.equal(limits.register("::ffff:192.0.2.1")?.label, "too-many-registrations");
});

Deno.test("AddressLimits has no limit where it is 0", () => {
  const { limits } = world({ connections: 0, registrations: 0 });
  for (let i = 0; i < 10_000; i++) {
    assert.equal(limits.connect("192.0.2.1") ?? limits.register("192.0.2.1"), undefined);
  }
});

Deno.test("AddressLimits bounds connections that wait to register, until they do", () => {
  const { limits } = world();
  const waiting = Array.from({ length: 500 }, () => limits.awaitHello("192.0.2.1"));
  assert.ok(waiting.every((entered) => typeof entered === "function"));
  const refusal = limits.awaitHello("192.0.2.1");
  assert.ok(typeof refusal === "object");
  assert.equal(refusal.label, "too-many-unregistered");
  assert.equal(typeof limits.awaitHello("192.0.2.2"), "function");
  waiting[0]!();
  assert.equal(typeof limits.awaitHello("192.0.2.1"), "function");
});

Deno.test("AddressLimits locks an address out for wrong tokens, for 30 seconds", () => {
  const { clock, limits } = world({ registrations: 0 });
  for (let i = 0; i < 19; i++) limits.failed("192.0.2.1");
  assert.equal(limits.register("192.0.2.1"), undefined);
  limits.failed("192.0.2.1");
  const refusal = limits.register("192.0.2.1");
  assert.equal(refusal?.label, "locked-out");
  assert.equal(refusal.reason, "too many wrong tokens: try again in 30 seconds");
  assert.equal(limits.register("192.0.2.2"), undefined);
  clock.now += 29_001;
  assert.equal(limits.register("192.0.2.1")?.label, "locked-out");
  clock.now += 999;
  assert.equal(limits.register("192.0.2.1"), undefined);
});

Deno.test("AddressLimits has no limit for exempt addresses", () => {
  const exempt = [parseIpRange("192.0.2.0/24")!];
  const limits = new AddressLimits({
    ...{ maxConnectionsPerMinute: 1, maxRegistrationsPerMinute: 1, exempt },
    now: () => 0,
  });
  for (let i = 0; i < 1_000; i++) {
    limits.failed("192.0.2.1");
    assert.equal(limits.connect("192.0.2.1") ?? limits.register("192.0.2.1"), undefined);
    assert.equal(typeof limits.awaitHello("192.0.2.1"), "function");
  }
  assert.equal(limits.connect("192.0.3.1"), undefined);
  assert.equal(limits.connect("192.0.3.1")?.label, "too-many-connections");
});

Deno.test("AddressLimits remembers a bounded number of addresses", () => {
  const { limits } = world({ connections: 1 });
  for (let i = 0; i < 60_000; i++) limits.connect(`10.0.${i >> 8}.${i & 255}`);
  assert.equal(limits.size, 50_000);
});
