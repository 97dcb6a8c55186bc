/**
 * `deno task torture resume [kills|deploys|cuts|waiting] [shells]`: servers and networks fail and
 * come back under all that people do in a job, and nothing of it ends.
 *
 * @module
 */
import assert from "node:assert/strict";
import { quantile } from "../bench/measure.ts";
import { runApart } from "./failures/namespace.ts";
import { cutNetwork } from "./resume/cuts.ts";
import { deploy } from "./resume/deploys.ts";
import { killServers } from "./resume/kills.ts";
import { wait } from "./resume/waiting.ts";
import { mebibytes, milliseconds, printTable } from "./table.ts";

const GB = 1_000_000_000;

/** By how much an agent may grow for streams that wait, in bytes; it keeps 64 MiB for them. */
const MAX_KEPT = 256 * 2 ** 20;

/** The parts of the scenario. */
const PARTS: Record<string, (shells: number) => Promise<void>> = {
  async kills(shells) {
    for (const [kills, awayMs] of [[1, 5_000], [10, 1_000]] as const) {
      const seen = await killServers({ shells, kills, awayMs, size: GB });
      console.log(`\n${shells} shells, 1 GB by sftp each way, rsync, an editor, forwards`);
      printTable(["kill -9 of the server", `${kills} times, for ${milliseconds(awayMs)}`], [
        ["longest pause of each shell, median", milliseconds(quantile(seen.pauses, 0.5))],
        ["longest of all", milliseconds(Math.max(...seen.pauses))],
        ["all transfers", milliseconds(seen.transferMs)],
        ["through forwards, each way", mebibytes(seen.forwarded)],
      ]);
    }
  },
  async deploys(shells) {
    const { pauses, usual, cut } = await deploy({ shells, deploys: 5 });
    console.log(`\n5 deploys under ${shells} shells, each in use`);
    printTable(["longest pause of each shell", "median", "99 of 100", "longest"], [
      ["without a deploy", ...[0.5, 0.99, 1].map((part) => milliseconds(quantile(usual, part)))],
      ["in a deploy", ...[0.5, 0.99, 1].map((part) => milliseconds(quantile(pauses, part)))],
    ]);
    console.log(`\nPairs that were cut, as they had not moved in time: ${cut}`);
  },
  async cuts(shells) {
    const rows: string[][] = [];
    for (const side of ["client", "agent"] as const) {
      for (const how of ["reset", "silence"] as const) {
        const backMs = await cutNetwork(side, how, {
          shells: Math.min(shells, 20),
          forMs: 240_000,
        });
        rows.push([side, how, milliseconds(backMs)]);
      }
    }
    const start = performance.now();
    await runApart("cut.ts", "240", "5m");
    const backMs = performance.now() - start - 240_000;
    rows.push(["everyone", "silence", `${milliseconds(backMs)}, with the start of all programs`]);
    console.log("\nThe network is cut for 4 minutes");
    printTable(["between the server and the", "with", "all shells answered after"], rows);
  },
  async waiting(shells) {
    const { open, away, back } = await wait(shells);
    assert.ok(away - open < MAX_KEPT, `${away - open} bytes more for streams that wait`);
    console.log(`\nMemory of an agent with ${shells} streams`);
    printTable(["all open and quiet", "all away, with 64 MiB of output each", "all back"], [
      [open, away, back].map(mebibytes),
    ]);
  },
};

/** The scenario. */
export async function resume(part?: string, shells = "200"): Promise<void> {
  for (const [name, run] of Object.entries(PARTS)) {
    if (part === undefined || part === name) await run(Number(shells));
  }
}
