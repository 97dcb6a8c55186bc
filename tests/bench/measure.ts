/** What the benchmarks measure, each with a real ssh client. */
import { Program, run } from "../support/program.ts";
import type { Target } from "./targets.ts";
import { type Usage, UsageWatch, type Watched } from "./usage.ts";

/** The value below which `part` of the values lie. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

/** Milliseconds from the start of `ssh … true` to its end. */
export async function login(target: Target): Promise<number> {
  const start = performance.now();
  const { code, stderr } = await run("ssh", [...target.options, target.destination, "true"]);
  if (code !== 0) throw new Error(`${target.name}: ${stderr}`);
  return performance.now() - start;
}

/** Milliseconds from the start of a program to the first byte that it prints. */
export async function firstByte([program, ...args]: string[]): Promise<number> {
  const start = performance.now();
  await using child = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  const time = performance.now() - start;
  if (done) throw new Error(`${program} printed nothing`);
  await Promise.all([reader.cancel(), child.stdin.close()]);
  return time;
}

/** A session with `cat`, through which one byte at a time goes to and fro. */
export class EchoSession implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor({ name, options, destination }: Pick<Target, "name" | "options" | "destination">) {
    this.#name = name;
    this.#child = new Deno.Command("ssh", {
      args: [...options, destination, "cat"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** One round trip, the first one with the login. @returns milliseconds */
  async trip(): Promise<number> {
    const start = performance.now();
    await this.#writer.write(Uint8Array.of(120));
    const { done } = await this.#reader.read();
    if (done) throw new Error(`${this.#name}: echo ended`);
    return performance.now() - start;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}

/** Milliseconds of each of `rounds` round trips of one byte through `cat`. */
export async function echo(target: Target, rounds = 500): Promise<number[]> {
  await using session = new EchoSession(target);
  for (let warmUp = 0; warmUp < 20; warmUp++) await session.trip();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await session.trip());
  return times;
}

/** What a transfer took. */
export interface Transfer {
  /** Megabytes a second. */
  rate: number;
  /** By program. */
  usage: Record<string, Usage>;
}

/** To the person, or to the job. */
export type Direction = "down" | "up";

/** Copies so many megabytes; `prefix` starts ssh. */
export async function copy(
  target: Target,
  direction: Direction,
  megabytes: number,
  prefix: string[] = [],
): Promise<Transfer> {
  const ssh = [...prefix, "ssh", ...target.options, target.destination];
  const zeros = `head -c ${megabytes}000000 /dev/zero`;
  // Under bash, so that the bytes do not pass through this process.
  const command = direction === "down"
    ? `"$@" "${zeros}" </dev/null >/dev/null`
    : `"$@" "cat >/dev/null" < <(${zeros})`;
  const start = performance.now();
  await using program = new Program("bash", ["-c", command, "bash", ...ssh]);
  const { pid } = program;
  const own: Record<string, Watched> = {
    ssh: { pid, below: /^ssh / },
    wsproxy: { pid, below: /^\S*wsproxy / },
    ws: { pid, below: /^\S*deno run \S+ \S+ \S*ws_relay\.ts/ },
  };
  using watch = new UsageWatch({ ...target.programs, ...own });
  const { code, stderr } = await program.result();
  if (code !== 0) throw new Error(`${target.name}: ${stderr}`);
  return { rate: megabytes / ((performance.now() - start) / 1_000), usage: watch.usage() };
}
