import { eventually } from "./deadline.ts";
import { run } from "./program.ts";

/** The command lines of all processes. */
export async function commandLines(): Promise<string[]> {
  if (Deno.build.os !== "linux") {
    return (await run("ps", ["-A", "-o", "args="])).stdout.split("\n");
  }
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
    } catch {
      return ""; // It has ended meanwhile.
    }
  });
}

/** Waits until there is no such process. */
export async function gone(pid: number): Promise<void> {
  await eventually(() => {
    try {
      return /\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return true;
    }
  }, () => `process ${pid} is still there`);
}
