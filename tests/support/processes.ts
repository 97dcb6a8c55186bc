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
  for (;;) {
    try {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
      if (/\) Z /.test(stat)) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
