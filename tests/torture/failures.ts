/**
 * `deno task torture failures`: programs are killed, the network is cut, disks are full, descriptors
 * are used up, and clocks jump. What must survive does, nothing is left behind, and the next try works.
 *
 * @module
 */
import { moveClock } from "./failures/clock.ts";
import { useUpDescriptors } from "./failures/descriptors.ts";
import { hasStage, kill, STAGES, VICTIMS } from "./failures/kills.ts";
import { runApart } from "./failures/namespace.ts";
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

/** What else fails. */
const OTHERS: Record<string, () => Promise<void>> = {
  "network cut for 10 s": () => runApart("cut.ts", "10"),
  "network cut for 70 s": () => runApart("cut.ts", "70"),
  "disk full": () => runApart("disk.ts"),
  "server without descriptors": () => withoutDescriptors("server"),
  "agent without descriptors": () => withoutDescriptors("agent"),
  "clock moved by a day, both ways": moveClock,
};

async function withoutDescriptors(victim: "server" | "agent"): Promise<void> {
  await using scene = await Scene.start();
  await useUpDescriptors(scene, victim);
}

/** The scenario. */
export async function failures(): Promise<void> {
  console.log("\nFrom kill -9 until all is over, started again, and the next one has logged in");
  printTable(["killed", ...VICTIMS], await killAll());
  const rows: string[][] = [];
  for (const [name, fail] of Object.entries(OTHERS)) {
    const start = performance.now();
    await fail();
    rows.push([name, "passed", milliseconds(performance.now() - start)]);
  }
  printTable(["failure", "", "from the start of the programs to the last login"], rows);
}
