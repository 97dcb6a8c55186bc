/**
 * SFTP against OpenSSH's over sshd; and against OpenSSH's sftp-server, the code of internal-sftp, on
 * our path: the agent runs it as a command (`sftp -s /usr/lib/openssh/sftp-server`), so client,
 * wsproxy, server, agent and encryption are the same for both, and only who answers the requests
 * differs.
 *
 * @module
 */
import { join } from "node:path";
import { randomBytes } from "../support/clients.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { echo, quantile } from "./measure.ts";
import type { Target, Targets } from "./targets.ts";

const SFTP_SERVER = "/usr/lib/openssh/sftp-server";
const MEGABYTES = 300;
const ENTRIES = 10_000;
const SMALL_FILES = 1_000;
const SMALL_SIZE = 4_096;
/** Listings in one measurement, so that logging in counts for little. */
const LISTINGS = 5;
const ECHOES = 500;

/** How results are printed. */
export interface Printing {
  /** Prints what both need, measured by turns, and the ratio of the first to the second. */
  compare: (
    name: string,
    unit: string,
    measure: (target: Target) => Promise<number>,
    pair: [Target, Target],
  ) => Promise<void>;
  printHead: (...cells: string[]) => void;
}

/** SFTP beside OpenSSH's over sshd, and beside its server on our path. */
export async function benchSftp(targets: Targets, { compare, printHead }: Printing): Promise<void> {
  const { converge, sshd, there } = targets;
  await using local = new TempDir();
  const onOurPath: Target = {
    ...converge,
    name: "sftp-server",
    options: ["-s", SFTP_SERVER, ...converge.options],
  };
  makeFiles(local.path, there);

  /** How often a second `count` things are done by a batch. */
  const rate = (count: number, ...batch: string[]) => async (target: Target) => {
    for (const used of [join(local.path, "got"), join(there, "put")]) {
      await Deno.remove(used, { recursive: true }).catch(() => {});
    }
    const start = performance.now();
    await sftp(target, local.path, batch);
    return count / ((performance.now() - start) / 1_000);
  };
  const get = rate(MEGABYTES, `get ${there}/large got`);
  const put = rate(MEGABYTES, `put large ${there}/put`);
  printHead("sftp", "Converge", "sshd", "ratio");
  await compare("get", "MB/s", get, [converge, sshd]);
  await compare("put", "MB/s", put, [converge, sshd]);

  const list = Array<string>(LISTINGS).fill(`ls -l ${there}/entries`);
  printHead("sftp on the same path", "Converge", "sftp-server", "ratio");
  for (
    const [name, unit, measure] of [
      ["get", "MB/s", get],
      ["put", "MB/s", put],
      ["ls of 10,000", "1/s", rate(LISTINGS, ...list)],
      ["get small files", "1/s", rate(SMALL_FILES, `get -r ${there}/small got`)],
      ["put small files", "1/s", rate(SMALL_FILES, `put -r small ${there}/put`)],
    ] as const
  ) {
    await compare(name, unit, measure, [converge, onOurPath]);
  }

  printHead("echo during three sftp transfers, ms", "median", "p99", "longest");
  for (const target of [converge, onOurPath, sshd]) {
    const shell = target === sshd ? sshd : converge;
    const times = await echoBusy(target, shell, { cwd: local.path, there });
    const cells = [0.5, 0.99, 1].map((part) => quantile(times, part).toFixed(1));
    console.log(`| ${[target.name, ...cells].join(" | ")} |`);
  }
}

/** Large and small files, here and there. */
function makeFiles(here: string, there: string): void {
  makeLargeFile(join(here, "large"));
  makeLargeFile(join(there, "large"));
  Deno.mkdirSync(join(there, "entries"));
  for (let entry = 0; entry < ENTRIES; entry++) {
    Deno.writeFileSync(join(there, "entries", `entry-${entry}`), new Uint8Array());
  }
  for (const directory of [join(there, "small"), join(here, "small")]) {
    Deno.mkdirSync(directory);
    for (let file = 0; file < SMALL_FILES; file++) {
      Deno.writeFileSync(join(directory, `file-${file}`), randomBytes(SMALL_SIZE));
    }
  }
}

/**
 * The times of echoes in a session of its own, in milliseconds, while `target` is busy with the
 * files of three clients of low priority.
 */
async function echoBusy(
  target: Target,
  shell: Target,
  { cwd, there }: { cwd: string; there: string },
): Promise<number[]> {
  await using stack = new AsyncDisposableStack();
  const lines = [
    `get ${there}/large /dev/null`,
    `put large ${there}/put`,
    `ls -l ${there}/entries`,
  ];
  for (const line of lines) {
    const batch = Array<string>(1_000).fill(line).join("\n");
    const transfer = stack.use(
      // On the machines of other people, else: here they must not take the processors from the
      // agent.
      new Program("nice", [
        ...["-n", "19", "sftp", ...target.options, "-b", "-", target.destination],
      ], { cwd, input: batch }),
    );
    await transfer.waitFor(new RegExp(`sftp> ${line}`));
  }
  return await echo(shell, ECHOES);
}

async function sftp(target: Target, cwd: string, batch: string[]): Promise<void> {
  const args = [...target.options, "-b", "-", target.destination];
  const { code, stderr } = await run("sftp", args, { cwd, input: batch.join("\n") + "\n" });
  if (code !== 0) throw new Error(`${target.name}: ${stderr}`);
}

/** Writes one random megabyte again and again. */
function makeLargeFile(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const megabyte = randomBytes(1_000_000);
  for (let count = 0; count < MEGABYTES; count++) {
    for (let at = 0; at < megabyte.length;) at += file.writeSync(megabyte.subarray(at));
  }
}
