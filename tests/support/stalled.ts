/**
 * Resolves when a number that grows has stood still for half a second: the writer that makes it
 * grow is held up. There is no event to wait for when nothing happens.
 */
export async function stalled(progress: () => number): Promise<void> {
  for (let idle = 0, last = progress(); idle < 10; idle++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = progress();
    if (now !== last) idle = 0;
    last = now;
  }
}

/** The resident memory of a process in bytes, as Linux has it. */
export function residentMemory(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  return Number(kilobytes) * 1024;
}
