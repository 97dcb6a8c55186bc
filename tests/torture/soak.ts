/**
 * `deno task torture soak [minutes] [pause]`: people, agents and strangers come and go, one after
 * the other. What the programs hold must not grow with them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { delay } from "../../lib/wire/delay.ts";
import { eventually } from "../support/deadline.ts";
import { type Program, startEntry, TempDir } from "../support/program.ts";
import { stalled } from "../support/stalled.ts";
import { World } from "../support/world.ts";
import { countingTimers, type Holdings, holdingsOf, slope } from "./soak/holdings.ts";
import { type Place, VISITS } from "./soak/visits.ts";
import { mebibytes, printTable } from "./table.ts";

/** By how much the memory of a program may grow in the second half, in bytes. */
const MAX_GROWTH = 24 * 2 ** 20;

/** What has to be as before when all have left. */
const KINDS = ["descriptors", "processes", "timers"] as const;

interface SoakOptions {
  /** Whether another round of visits is to come. */
  goOn: () => boolean;
  /** Between two visits, in milliseconds. */
  pauseMs: number;
}

/** What was seen of one program: before the first visit, after each round, and at the end. */
export interface Soaked {
  name: string;
  before: Holdings;
  rounds: Holdings[];
  rested: Holdings;
}

/** Lets visitors come and go. @throws {AssertionError} if a program holds more afterwards */
export async function soakPrograms({ goOn, pauseMs }: SoakOptions): Promise<Soaked[]> {
  await using dir = new TempDir();
  const timers = (name: string) => join(dir.path, `${name}.timers`);
  const env = (name: string) => countingTimers(timers(name));
  await using world = await World.start(["--max-agents", "5"], env("server"));
  const agent = world.startAgent({ args: ["--hold", "--log-level", "error"], env: env("agent") });
  const announced = await agent.announced();
  await using tunnel = startEntry("tunnel.ts", ["0", `${world.url}/client/${announced.id}`], {
    env: env("tunnel"),
  });
  const [, tunnelPort] = await tunnel.waitFor(/127\.0\.0\.1:(\d+)/);
  const place: Place = { world, agent: announced, tunnelPort: Number(tunnelPort), dir };
  const programs: [string, Program][] = [
    ["server", world.server],
    ["agent", agent.program],
    ["tunnel", tunnel],
  ];
  // What stays for the next one, as the thread of SFTP, is there from now on.
  await VISITS.sftp!(place);
  const watched = [];
  for (const [name, program] of programs) {
    await eventually(() => existsSync(timers(name)), () => `${name} counts no timers`);
    const look = () => holdingsOf(program, timers(name));
    await stalled(() => look().descriptors);
    watched.push({ name, look, before: look(), rounds: [] as Holdings[] });
  }
  do {
    for (const [name, visit] of Object.entries(VISITS)) {
      await visit(place).catch((cause) => {
        throw new Error(`${name}: ${cause.message}`, { cause });
      });
      await delay(pauseMs);
    }
    for (const { rounds, look } of watched) rounds.push(look());
  } while (goOn());
  return await Promise.all(watched.map(async ({ look, ...seen }) => {
    return { ...seen, rested: await rest(seen.name, seen.before, look) };
  }));
}

/** Waits until what is left of the visitors is gone. */
function rest(name: string, before: Holdings, look: () => Holdings): Promise<Holdings> {
  return eventually(() => {
    const now = look();
    return KINDS.every((kind) => now[kind] <= before[kind]) ? now : undefined;
  }, () => `${name}: before ${JSON.stringify(before)}, still ${JSON.stringify(look())}`) as Promise<
    Holdings
  >;
}

/** The scenario. */
export async function soak(minutes = "2", pause = "0"): Promise<void> {
  const end = performance.now() + Number(minutes) * 60_000;
  const goOn = () => performance.now() < end;
  const soaked = await soakPrograms({ goOn, pauseMs: Number(pause) });
  const rows = soaked.map(({ name, before, rounds, rested }) => {
    const memory = rounds.slice(rounds.length / 2).map((one) => one.memory);
    const perHour = slope(memory) * rounds.length * 60 / Number(minutes);
    assert.ok(memory.at(-1)! - memory[0]! < MAX_GROWTH, `${name} grows`);
    const kept = KINDS.map((kind) => `${before[kind]} → ${rested[kind]}`);
    const sizes = [before, rounds[0]!, { memory: memory[0]! }, rested];
    return [name, ...sizes.map((one) => mebibytes(one.memory)), mebibytes(perHour), ...kept];
  });
  const visits = soaked[0]!.rounds.length * Object.keys(VISITS).length;
  console.log(`\n${minutes} minutes, ${visits} visits`);
  const sizes = ["memory before", "after 10 visits", "at half", "at the end"];
  printTable(["program", ...sizes, "slope of the second half, an hour", ...KINDS], rows);
}
