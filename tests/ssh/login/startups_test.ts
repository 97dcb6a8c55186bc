import { deepEqual, equal } from "node:assert/strict";
import { Startups } from "../../../lib/ssh/login/startups.ts";

const LIMITS = { start: 10, rate: 30, full: 20 };
const ignore = () => {};

/** Fills places from a source. @returns how many clients got one */
function fill(startups: Startups, source: string, count: number): number {
  return Array.from({ length: count }, () => startups.enter(source, ignore))
    .filter((leave) => leave !== undefined).length;
}

Deno.test("Startups has 200 places, refuses nobody below 100, and 30 percent there", () => {
  const startups = new Startups(undefined, () => 0);
  equal(fill(startups, "a", 101), 100);
  for (const [random, entered] of [[0.29, 0], [0.3, 1]] as const) {
    const busy = new Startups(undefined, () => random);
    fill(busy, "a", 100);
    equal(fill(busy, "a", 1), entered);
  }
  let dropped = 0;
  const most = new Startups(undefined, () => 1);
  for (let i = 0; i < 201; i++) most.enter(`source-${i}`, () => dropped++);
  equal(dropped, 1);
});

Deno.test("Startups refuses nobody below start, and frees places", () => {
  const startups = new Startups(LIMITS, () => 0);
  equal(fill(startups, "a", 9), 9);
  const leave = startups.enter("a", ignore)!;
  equal(startups.enter("a", ignore), undefined);
  leave();
  leave();
  equal(fill(startups, "a", 2), 1);
});

Deno.test("Startups forgets who has left", () => {
  const startups = new Startups(LIMITS, () => 0);
  for (let i = 0; i < 100; i++) startups.enter(`source-${i}`, ignore)!();
  equal(fill(startups, "a", 20), 10);
  // Of two sources "b" has far less than half.
  equal(fill(startups, "b", 2), 2);
});

Deno.test("Startups refuses by a probability that rises from rate at start to 100 at full", () => {
  for (const [count, percent] of [[10, 30], [15, 65], [20, 100]] as const) {
    let random = 1;
    const startups = new Startups(LIMITS, () => random);
    equal(fill(startups, "a", count), count);
    random = (percent - 1) / 100;
    equal(fill(startups, "a", 1), 0);
    random = percent / 100;
    equal(fill(startups, "a", 1), 1);
  }
});

Deno.test("Startups leaves sources alone that have less than an equal share", () => {
  const startups = new Startups(LIMITS, () => 0);
  equal(fill(startups, "flood", 100), 10);
  // As if nobody else were there: each of them has few clients.
  for (const source of ["a", "b", "c", "d", "e"]) equal(fill(startups, source, 2), 2);
  equal(fill(startups, "flood", 100), 0);
});

Deno.test("Startups takes the oldest place of the busiest source when all are taken", () => {
  const startups = new Startups(LIMITS, () => 0.999);
  const dropped: number[] = [];
  for (let i = 0; i < 18; i++) startups.enter("flood", () => dropped.push(i));
  for (const source of ["a", "b", "c", "d"]) equal(fill(startups, source, 1), 1);
  deepEqual(dropped, [0, 1]);
  equal(fill(startups, "e", 1), 1);
  deepEqual(dropped, [0, 1, 2]);
});

Deno.test("Startups lets a hundred people behind one address connect at once by default", () => {
  equal(fill(new Startups(undefined, () => 0), "office", 101), 100);
  equal(fill(new Startups(undefined, () => 0.999), "office", 1000), 200);
});
