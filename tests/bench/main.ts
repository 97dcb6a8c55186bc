/**
 * `deno task bench [rounds [resume]]`: Converge's executables beside OpenSSH's sshd, on this machine, measured by
 * turns. sshd is reached by TCP, and by other people's websockets; Converge through wsproxy and the
 * server. Prints the tables of docs/benchmarks.md: medians, with the least and the most of all rounds.
 *
 * @module
 */
import { run } from "../support/program.ts";
import {
  copy,
  type Direction,
  echo,
  firstByte,
  login,
  quantile,
  type Transfer,
} from "./measure.ts";
import { benchSftp } from "./sftp.ts";
import { type Target, Targets } from "./targets.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const MEGABYTES = 1000;

await using targets = await Targets.start();
const { converge, sshd, peers } = targets;

/** What each target takes, measured by turns, so that a machine that slows down slows all. */
async function inTurns<T>(
  compared: readonly Target[],
  measure: (target: Target) => Promise<T>,
): Promise<Map<Target, T[]>> {
  const results = new Map<Target, T[]>(compared.map((target) => [target, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of compared) results.get(target)!.push(await measure(target));
  }
  return results;
}

/** The median, and how far the values spread. */
function spread(values: number[], digits: number): string {
  const [median, least, most] = [0.5, 0, 1].map((part) => quantile(values, part).toFixed(digits));
  return `${median} (${least} to ${most})`;
}

function printRow(...cells: string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

function printHead(...cells: string[]): void {
  console.log();
  printRow(...cells);
  printRow(...cells.map(() => "---"));
}

/** Prints what two need, and the median of the ratios of the first to the second. */
async function compare(
  name: string,
  unit: string,
  measure: (target: Target) => Promise<number>,
  pair: [Target, Target],
): Promise<void> {
  const results = await inTurns(pair, measure);
  const [ours, theirs] = pair.map((target) => results.get(target)!) as [number[], number[]];
  const digits = unit === "1/s" ? 1 : 0;
  const ratios = ours.map((value, round) => value / theirs[round]!);
  printRow(`${name}, ${unit}`, spread(ours, digits), spread(theirs, digits), spread(ratios, 2));
}

/** Prints what programs take for a gigabyte, and how fast it goes. */
async function benchCopies(direction: Direction): Promise<void> {
  const compared = [converge, sshd, ...peers];
  const results = await inTurns(compared, (target) => copy(target, direction, MEGABYTES));
  printHead(`a GB ${direction}`, "MB/s", "of sshd", "CPU seconds by program", "MiB by program");
  for (const target of compared) {
    const copies = results.get(target)!;
    const names = Object.entries(copies[0]!.usage).filter(([, { seconds }]) => seconds > 0)
      .map(([name]) => name);
    const seconds = (name: string) =>
      copies.map(({ usage }) => usage[name]!.seconds * 1000 / MEGABYTES);
    const memory = (name: string) => Math.max(...copies.map(({ usage }) => usage[name]!.memory));
    printRow(
      target.name,
      spread(copies.map(({ rate }) => rate), 0),
      ratioOf(copies, results.get(sshd)!),
      names.map((name) => `${name} ${spread(seconds(name), 1)}`).join(", "),
      names.map((name) => `${name} ${memory(name).toFixed(0)}`).join(", "),
    );
  }
}

function ratioOf(ours: Transfer[], theirs: Transfer[]): string {
  return spread(ours.map(({ rate }, round) => rate / theirs[round]!.rate), 2);
}

/** Moves a process, its threads and what it will start to processors. */
async function pin(pid: number, processors: string): Promise<void> {
  const { code, stderr } = await run("taskset", ["-a", "-p", "-c", processors, `${pid}`]);
  if (code !== 0) throw new Error(stderr);
}

/** The same with the job on one processor and the person on the other, as on machines of their own. */
async function benchPinned(): Promise<void> {
  const all = `0-${navigator.hardwareConcurrency - 1}`;
  const compared = [converge, sshd];
  for (const { job } of compared) await pin(job!, "1");
  printHead("each end on a processor of its own, MB/s", "Converge", "sshd", "ratio");
  for (const direction of ["down", "up"] as const) {
    const results = await inTurns(
      compared,
      (target) => copy(target, direction, MEGABYTES, ["taskset", "-c", "0"]),
    );
    const [ours, theirs] = compared.map((target) => results.get(target)!) as [
      Transfer[],
      Transfer[],
    ];
    const rates = (copies: Transfer[]) => spread(copies.map(({ rate }) => rate), 0);
    printRow(direction, rates(ours), rates(theirs), ratioOf(ours, theirs));
  }
  for (const { job } of compared) await pin(job!, all);
}

/** Prints how long logins and echoes take, in milliseconds. */
async function benchTimes(): Promise<void> {
  const compared = [converge, sshd, ...peers];
  const logins = await inTurns(compared, login);
  const echoes = await inTurns(compared, echo);
  printHead("ms", "login", "of sshd", "echo, median", "echo, p99");
  for (const target of compared) {
    const ratios = logins.get(target)!.map((time, round) => time / logins.get(sshd)![round]!);
    const part = (part: number) => echoes.get(target)!.map((times) => quantile(times, part));
    printRow(
      target.name,
      spread(logins.get(target)!, 0),
      spread(ratios, 2),
      spread(part(0.5), 2),
      spread(part(0.99), 1),
    );
  }
  const bytes = await inTurns([converge], () => firstByte(targets.wsproxy));
  console.log(`\nwsproxy's first byte: ${spread(bytes.get(converge)!, 0)} ms`);
}

/** What streams cost that go on after a lost connection: the same with and without them. */
async function benchResume(): Promise<void> {
  const compared = [converge, targets.plain];
  printHead("", "with", "without", "ratio");
  for (const direction of ["down", "up"] as const) {
    const results = await inTurns(compared, (target) => copy(target, direction, MEGABYTES));
    const [ours, plain] = compared.map((target) => results.get(target)!) as [
      Transfer[],
      Transfer[],
    ];
    const seconds = (copies: Transfer[]) =>
      copies.map(({ usage }) =>
        Object.values(usage).reduce((sum, { seconds }) => sum + seconds, 0) * 1000 / MEGABYTES
      );
    const rates = [ours, plain].map((copies) => spread(copies.map(({ rate }) => rate), 0));
    printRow(`MB/s ${direction}`, rates[0]!, rates[1]!, ratioOf(ours, plain));
    const [ourSeconds, plainSeconds] = [seconds(ours), seconds(plain)];
    const ratios = ourSeconds.map((value, round) => value / plainSeconds[round]!);
    printRow(
      `CPU seconds a GB ${direction}, all programs`,
      spread(ourSeconds, 2),
      spread(plainSeconds, 2),
      spread(ratios, 2),
    );
  }
  const echoes = await inTurns(compared, echo);
  const medians = compared.map((target) =>
    echoes.get(target)!.map((times) => quantile(times, 0.5))
  ) as [number[], number[]];
  const ratios = medians[0].map((value, round) => value / medians[1][round]!);
  printRow("echo, ms", spread(medians[0], 2), spread(medians[1], 2), spread(ratios, 2));
}

if (Deno.args[1] !== "resume") {
  for (const direction of ["down", "up"] as const) await benchCopies(direction);
  await benchPinned();
  await benchTimes();
  await benchSftp(targets, { compare, printHead });
}
await benchResume();
