/** What a running program holds, as the kernel has it, and its timers. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { residentMemory } from "../../support/stalled.ts";
import { ROOT } from "../../support/root.ts";
import type { Program } from "../../support/program.ts";

/** What must not grow. */
export interface Holdings {
  /** Resident, in bytes. */
  memory: number;
  descriptors: number;
  /** Child processes, at any depth. */
  processes: number;
  timers: number;
}

/** The environment of a program that counts its timers in `file`. */
export function countingTimers(file: string): Record<string, string> {
  const preload = join(ROOT, "tests/torture/soak/count_timers.cjs");
  return { NODE_OPTIONS: `--require ${preload}`, TIMERS_FILE: file };
}

/** @param timersFile of {@link countingTimers} */
export function holdingsOf({ pid }: Program, timersFile: string): Holdings {
  return {
    memory: residentMemory(pid),
    descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    processes: countDescendants(pid),
    timers: existsSync(timersFile) ? Number(Deno.readTextFileSync(timersFile)) : NaN,
  };
}

function countDescendants(pid: number): number {
  let count = 0;
  for (const { name: task } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const children = Deno.readTextFileSync(`/proc/${pid}/task/${task}/children`).trim();
      for (const child of children.split(" ").filter(Boolean)) {
        count += 1 + countDescendants(Number(child));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return count;
}

/** By how much a value grows each step, by least squares. */
export function slope(values: number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  for (const [at, value] of values.entries()) {
    above += (at - middle) * (value - mean);
    below += (at - middle) ** 2;
  }
  return above / below;
}
