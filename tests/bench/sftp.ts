/**
 * SFTP against OpenSSH's sftp-server, the code of internal-sftp, on the same path: the agent runs
 * it as a command (`sftp -s /usr/lib/openssh/sftp-server`), so client, wsproxy, server, agent and
 * encryption are the same for both, and only who answers the requests differs.
 *
 * @module
 */
import { join } from "node:path";
import { randomBytes } from "../support/clients.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { echo, quantile, type Target } from "./measure.ts";

const SFTP_SERVER = "/usr/lib/openssh/sftp-server";
const MEGABYTES = 300;
const ENTRIES = 10_000;
const SMALL_FILES = 1_000;
const SMALL_SIZE = 4_096;
/** Listings in one measurement, so that logging in counts for little. */
const LISTINGS = 5;
const ECHOES = 500;

/** Prints what both need, in turn, and the ratio of the first to the second. */
export type Compare = (
  name: string,
  unit: string,
  wanted: string,
  measure: (target: Target) => Promise<number>,
  pair: [Target, Target],
) => Promise<void>;

/** @param converge has a user's directory of its own at `there`, on this machine */
export async function benchSftp(converge: Target, there: string, compare: Compare): Promise<void> {
  await using local = new TempDir();
  const pair: [Target, Target] = [
    converge,
    {
      name: "sftp-server",
      options: ["-s", SFTP_SERVER, ...converge.options],
      destination: converge.destination,
    },
  ];
  makeLargeFile(join(local.path, "large"));
  makeLargeFile(join(there, "large"));
  Deno.mkdirSync(join(there, "entries"));
  for (let entry = 0; entry < ENTRIES; entry++) {
    Deno.writeFileSync(join(there, "entries", `entry-${entry}`), new Uint8Array());
  }
  for (const directory of [join(there, "small"), join(local.path, "small")]) {
    Deno.mkdirSync(directory);
    for (let file = 0; file < SMALL_FILES; file++) {
      Deno.writeFileSync(join(directory, `file-${file}`), randomBytes(SMALL_SIZE));
    }
  }

  /** How often a second `count` things are done by a batch. */
  const rate = (count: number, ...batch: string[]) => async (target: Target) => {
    for (const used of [join(local.path, "got"), join(there, "put")]) {
      await Deno.remove(used, { recursive: true }).catch(() => {});
    }
    const start = performance.now();
    await sftp(target, local.path, batch);
    return count / ((performance.now() - start) / 1_000);
  };
  const list = Array<string>(LISTINGS).fill("ls -l entries");
  for (
    const [name, unit, wanted, measure] of [
      ["get", "MB/s", "ratio at least 0.8", rate(MEGABYTES, "get large got")],
      ["put", "MB/s", "ratio at least 0.9", rate(MEGABYTES, "put large put")],
      ["ls of 10,000", "1/s", "ratio at least 0.5", rate(LISTINGS, ...list)],
      ["get small files", "1/s", "ratio at least 0.5", rate(SMALL_FILES, "get -r small got")],
      ["put small files", "1/s", "ratio at least 0.5", rate(SMALL_FILES, "put -r small put")],
    ] as const
  ) {
    await compare(`sftp ${name}`, unit, wanted, measure, pair);
  }

  console.log("\necho in ms while three sftp transfers run, their clients at low priority");
  for (const target of pair) {
    const times = await echoBusy(target, converge, local.path);
    const shown = [["median", 0.5], ["p99", 0.99], ["most", 1]] as const;
    console.log(
      `${target.name.padEnd(20)}${
        shown.map(([name, part]) => `${name} ${quantile(times, part).toFixed(1)}`).join("  ")
      }`,
    );
  }
}

/**
 * The times of echoes in a session of its own, in milliseconds, while `target` is busy with the
 * files of three clients of low priority.
 */
async function echoBusy(target: Target, shell: Target, cwd: string): Promise<number[]> {
  await using stack = new AsyncDisposableStack();
  for (const line of ["get large /dev/null", "put large put", "ls -l entries"]) {
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
