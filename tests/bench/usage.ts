/** What programs use while they carry bytes; Linux only. */

/** Between two looks at the processes, in milliseconds: what ends between them is missed. */
const LOOK_MS = 10;

/** Ticks a second of the times in /proc (`getconf CLK_TCK`). */
const TICKS = 100;

/** Which processes to watch: one, or those below it whose command line matches. */
export interface Watched {
  pid: number;
  below?: RegExp;
}

/** What a program has used: seconds of processor time, and its largest resident memory in MiB. */
export interface Usage {
  seconds: number;
  memory: number;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // The process has ended.
  }
}

/** The processes below `pid`, at any depth, whose command line matches. */
export function descendants(pid: number, pattern: RegExp): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => {
    const matches = pattern.test(read(`/proc/${child}/cmdline`).replaceAll("\0", " "));
    return [...matches ? [child] : [], ...descendants(child, pattern)];
  });
}

/** The seconds of processor time that a process itself has taken, without its children. */
function processorTime(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
}

/** The resident memory of a process in MiB. */
export function residentMemory(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Watches programs until it is left. */
export class UsageWatch implements Disposable {
  readonly #watched: Record<string, Watched>;
  /** By name and process: its time at first and at last. */
  readonly #times = new Map<string, Map<number, { first: number; last: number }>>();
  readonly #memory = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(watched: Record<string, Watched>) {
    this.#watched = watched;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** What each has used since the start. */
  usage(): Record<string, Usage> {
    this.#look();
    return Object.fromEntries(
      [...this.#times].map(([name, times]) => [name, {
        seconds: times.values().reduce((sum, { first, last }) => sum + last - first, 0),
        memory: this.#memory.get(name) ?? 0,
      }]),
    );
  }

  #look(): void {
    for (const [name, { pid, below }] of Object.entries(this.#watched)) {
      const times = this.#times.get(name) ?? new Map();
      this.#times.set(name, times);
      const found = below ? descendants(pid, below) : [pid];
      for (const one of found) {
        const last = processorTime(one);
        // One that began meanwhile has spent all of it here.
        const { first } = times.get(one) ?? { first: below ? 0 : last };
        if (last > 0 || !times.has(one)) times.set(one, { first, last });
      }
      const memory = found.map(residentMemory).reduce((sum, one) => sum + one, 0);
      this.#memory.set(name, Math.max(memory, this.#memory.get(name) ?? 0));
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
