/**
 * `deno task torture fuzz [inputs] [seed]`: everything that takes input from outside gets input
 * that is noise, or nearly right. Nothing may be thrown but what is documented, nothing may hang,
 * and memory must not grow.
 *
 * @module
 */
import assert from "node:assert/strict";
import { delay } from "../../lib/wire/delay.ts";
import { TempDir } from "../support/program.ts";
import { PARSERS } from "./fuzz/parsers.ts";
import { Ports } from "./fuzz/ports.ts";
import { sshTargets } from "./fuzz/ssh.ts";
import type { FuzzTarget } from "./fuzz/target.ts";

/** How much resident memory may grow over the second half of a target's inputs, in MiB. */
const MAX_GROWTH = 128;

/** Opening a connection takes longer than parsing: ports get one of that many inputs. */
const PORT_SHARE = 20;

/**
 * How long Deno holds on to some KiB of each websocket that ended without a close frame, in
 * milliseconds. Only what grows after that counts.
 */
const HELD_MS = 31_000;

/** Feeds all targets. @param tell gets a line of a table for each */
export async function fuzzAll(
  inputs: number,
  seed: number,
  tell: (line: string) => void = () => {},
): Promise<void> {
  await using dir = new TempDir();
  await using ports = await Ports.start();
  const here = [...PARSERS, ...sshTargets(dir.path)];
  const portRuns = Math.ceil(inputs / PORT_SHARE / ports.targets.length);
  const runs = Math.ceil((inputs - portRuns * ports.targets.length) / here.length);
  const pause = portRuns > 1000 ? HELD_MS : 0;
  const memory = () => Deno.memoryUsage().rss / 2 ** 20;
  for (const target of here) await fuzzOne(target, { runs, seed, memory, tell });
  for (const target of ports.targets) {
    await fuzzOne(target, { runs: portRuns, seed, memory: () => ports.memory, tell, pause });
    await ports.check();
  }
}

interface FuzzOptions {
  runs: number;
  seed: number;
  memory: () => number;
  tell: (line: string) => void;
  /** Before the memory is looked at first, in milliseconds. @default 0 */
  pause?: number;
}

async function fuzzOne(
  { name, run }: FuzzTarget,
  { runs, seed, memory, tell, pause = 0 }: FuzzOptions,
): Promise<void> {
  const start = performance.now();
  await run(Math.ceil(runs / 2), seed);
  await delay(pause);
  const before = memory();
  await run(Math.floor(runs / 2), seed + 1);
  const growth = memory() - before;
  assert.ok(growth < MAX_GROWTH, `${name}: memory grew by ${growth} MiB`);
  const each = (performance.now() - start - pause) * 1000 / runs;
  tell(`| ${name} | ${runs} | ${each.toFixed(0)} µs | ${growth.toFixed(1)} MiB |`);
}

/** The scenario. */
export async function fuzz(inputs = "1000000", seed = `${Date.now() % 2 ** 31}`): Promise<void> {
  console.log(`seed ${seed}\n\n| what | inputs | each | memory |\n| --- | --: | --: | --: |`);
  await fuzzAll(Number(inputs), Number(seed), console.log);
}
