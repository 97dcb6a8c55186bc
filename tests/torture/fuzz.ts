/**
 * `deno task torture fuzz [inputs] [seed]`: everything that takes input from outside gets input
 * that is noise, or nearly right. Nothing may be thrown but what is documented, nothing may hang,
 * and memory must not grow.
 *
 * @module
 */
import assert from "node:assert/strict";
import { TempDir } from "../support/program.ts";
import { PARSERS } from "./fuzz/parsers.ts";
import { Ports } from "./fuzz/ports.ts";
import { ROUND_TRIPS } from "./fuzz/round_trips.ts";
import { sshTargets } from "./fuzz/ssh.ts";
import type { FuzzTarget } from "./fuzz/target.ts";

/** How much memory may grow over the second half of a target's inputs, in MiB. */
const MAX_GROWTH = 64;

/** Opening a connection takes longer than parsing: ports get one of that many inputs. */
const PORT_SHARE = 20;

/** Feeds all targets. @param tell gets a line of a table for each */
export async function fuzzAll(
  inputs: number,
  seed: number,
  tell: (line: string) => void = () => {},
): Promise<void> {
  await using dir = new TempDir();
  await using ports = await Ports.start();
  const here = [...PARSERS, ...ROUND_TRIPS, ...sshTargets(dir.path)];
  const portRuns = Math.ceil(inputs / PORT_SHARE / ports.targets.length);
  const runs = Math.ceil((inputs - portRuns * ports.targets.length) / here.length);
  const memory = () => {
    // Of `deno task torture`. What was garbage leaves the resident memory only gradually.
    const { gc } = globalThis as { gc?: () => void };
    gc?.();
    const { rss, heapUsed, external } = Deno.memoryUsage();
    return (gc ? heapUsed + external : rss) / 2 ** 20;
  };
  for (const target of here) await fuzzOne(target, { runs, seed, memory, tell });
  for (const target of ports.targets) {
    await fuzzOne(target, { runs: portRuns, seed, memory: () => ports.memory, tell });
    await ports.check();
  }
}

interface FuzzOptions {
  runs: number;
  seed: number;
  memory: () => number;
  tell: (line: string) => void;
}

async function fuzzOne(
  { name, run }: FuzzTarget,
  { runs, seed, memory, tell }: FuzzOptions,
): Promise<void> {
  const start = performance.now();
  await run(Math.ceil(runs / 2), seed);
  const before = memory();
  await run(Math.floor(runs / 2), seed + 1);
  const growth = memory() - before;
  assert.ok(growth < MAX_GROWTH, `${name}: memory grew by ${growth} MiB`);
  const each = (performance.now() - start) * 1000 / runs;
  tell(`| ${name} | ${runs} | ${each.toFixed(0)} µs | ${growth.toFixed(1)} MiB |`);
}

/** The scenario. */
export async function fuzz(inputs = "1000000", seed = `${Date.now() % 2 ** 31}`): Promise<void> {
  console.log(`seed ${seed}\n\n| what | inputs | each | memory |\n| --- | --: | --: | --: |`);
  await fuzzAll(Number(inputs), Number(seed), console.log);
}
