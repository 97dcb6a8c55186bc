/** What the benchmarks measure, each with a real ssh client. */
import { Program, run } from "../support/program.ts";

/** How to reach one of the servers that are compared. */
export interface Target {
  name: string;
  /** Options of ssh and sftp, ended by nothing. */
  options: string[];
  /** `user@host`. */
  destination: string;
}

/** The value below which `part` of the values lie. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

/** Milliseconds from the start of `ssh … true` to its end. */
export async function login(target: Target): Promise<number> {
  const start = performance.now();
  await succeed(target, ["true"]);
  return performance.now() - start;
}

/** A session with `cat`, through which one byte at a time goes to and fro. */
export class EchoSession implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor({ name, options, destination }: Target) {
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

/** Megabytes a second from the job to the person. */
export async function down(target: Target, megabytes: number): Promise<number> {
  const start = performance.now();
  await shell(target, `head -c ${megabytes}000000 /dev/zero`, "</dev/null", ">/dev/null");
  return megabytes / ((performance.now() - start) / 1_000);
}

/** Megabytes a second from the person to the job. */
export async function up(target: Target, megabytes: number): Promise<number> {
  const start = performance.now();
  await shell(target, "cat >/dev/null", `< <(head -c ${megabytes}000000 /dev/zero)`, "");
  return megabytes / ((performance.now() - start) / 1_000);
}

/** The resident memory of a process in MiB. */
export function residentMemory(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1_024;
}

/** The process among the children of `pid`, at any depth, whose command line matches. */
export function descendant(pid: number, pattern: RegExp): number | undefined {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
  for (const child of children.split(" ").filter(Boolean).map(Number)) {
    const command = Deno.readTextFileSync(`/proc/${child}/cmdline`).replaceAll("\0", " ");
    const found = pattern.test(command) ? child : descendant(child, pattern);
    if (found !== undefined) return found;
  }
}

/** Starts a transfer that lasts until it is ended. */
export function endlessDown(target: Target): Program {
  const command = [...target.options, target.destination, "cat /dev/zero"];
  return new Program("bash", ["-c", `ssh ${command.map(quote).join(" ")} > /dev/null`]);
}

async function succeed(target: Target, command: string[]): Promise<void> {
  const result = await run("ssh", [...target.options, target.destination, ...command]);
  if (result.code !== 0) throw new Error(`${target.name}: ${result.stderr}`);
}

/** Runs ssh under bash, so that the bytes do not pass through this process. */
async function shell(target: Target, command: string, input: string, output: string) {
  const words = [...target.options, target.destination, command].map(quote).join(" ");
  const result = await run("bash", ["-c", `ssh ${words} ${input} ${output}`]);
  if (result.code !== 0) throw new Error(`${target.name}: ${result.stderr}`);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
