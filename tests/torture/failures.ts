/**
 * `deno task torture failures`: programs are killed, the network is cut, disks are full, descriptors
 * are used up, and clocks jump. What must survive does, nothing is left behind, and the next try works.
 *
 * @module
 */
import { hasStage, kill, STAGES, VICTIMS } from "./failures/kills.ts";
import { Scene } from "./failures/scene.ts";
import { milliseconds, printTable } from "./table.ts";

/** Kills each program at each stage. @returns rows of a table */
async function killAll(): Promise<string[][]> {
  await using scene = await Scene.start();
  const rows: string[][] = [];
  for (const stage of STAGES) {
    const row: string[] = [stage];
    for (const victim of VICTIMS) {
      const start = performance.now();
      const exists = hasStage(victim, stage);
      if (exists) await kill(scene, victim, stage);
      row.push(exists ? milliseconds(performance.now() - start) : "");
    }
    rows.push(row);
  }
  return rows;
}

/** The scenario. */
export async function failures(): Promise<void> {
  console.log("\nFrom kill -9 until all is over, started again, and the next one has logged in");
  printTable(["killed", ...VICTIMS], await killAll());
}
