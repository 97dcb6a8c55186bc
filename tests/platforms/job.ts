/** A job in a root directory, and a person who uses it as people do. */
import { join } from "node:path";
import { linkOrCopy } from "../support/files.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { RootDirectory } from "../support/root_directory.ts";
import { Agent, type Announced, type World } from "../support/world.ts";
import type { Environment } from "./environments.ts";

/** What of an agent works in an environment: "yes", or what a person sees instead. */
export interface Outcome {
  exec: string;
  sftp: string;
  terminal: string;
  /** The warnings and errors in the job's log, without their times. */
  log: string[];
  /** The agent's exit status. */
  status: number;
  /** The files that were left in the job's directory and in /tmp. */
  left: string[];
}

const AGENT = "/srv/agent";

/** What a job has in its directory already, and the agent's own directory there. */
const USUAL = [AGENT, "/srv/.authorized_keys", "/srv/.converge"];

/** "yes" if `check` succeeds, else the last line that it failed with. */
async function outcome(check: () => Promise<void>): Promise<string> {
  try {
    await check();
    return "yes";
  } catch (error) {
    // deno-lint-ignore no-control-regex -- what a terminal shows
    const plain = (error as Error).message.replace(/\x1b\[[\d;]*[A-Z]/gi, "");
    return `no: ${plain.trim().split("\n").at(-1)!.trim()}`;
  }
}

function expect(what: unknown, stderr: string): void {
  if (!what) throw new Error(stderr);
}

async function tryExec(world: World, agent: Announced): Promise<void> {
  const { code, stdout, stderr } = await world.ssh(agent, ["echo out; echo err >&2; exit 3"]);
  expect(code === 3 && stdout === "out\n" && stderr === "err\n", stderr || stdout);
}

async function trySftp(world: World, agent: Announced): Promise<void> {
  await using dir = new TempDir();
  const [from, to] = [dir.write("from", crypto.randomUUID()), join(dir.path, "to")];
  const { code, stderr } = await run(
    "sftp",
    ["-b", "-", ...world.sshOptions(agent), `${agent.username}@localhost`],
    { input: `put ${from} file\nget file ${to}\nrm file\n` },
  );
  expect(code === 0, stderr);
  expect(await Deno.readTextFile(from) === await Deno.readTextFile(to), "another file came back");
}

async function tryTerminal(world: World, agent: Announced): Promise<void> {
  await using terminal = world.terminal(agent, [], { columns: 91, rows: 31 });
  terminal.write("test -t 0 && echo termi''nal; stty size\r");
  await terminal.waitFor(/terminal\r\n31 91\r\n/);
  terminal.write("exit 5\r");
  expect(await terminal.exited === 5, "another status");
}

/** Makes the root directory of an environment; that of a Debian release is kept for the next time. */
export async function rootOf({ fill, suite }: Environment): Promise<RootDirectory> {
  if (suite === undefined) {
    const root = new RootDirectory();
    await fill?.(root);
    return root;
  }
  const path = `/opt/platform-${suite}`;
  const script = `. "$1" && suite=$2 && debian_setup "$3" ""`;
  const library = join(ROOT, "tests/support/debian.sh");
  const { code, stderr } = await run("bash", ["-euc", script, "platforms", library, suite, path]);
  if (code !== 0) throw new Error(stderr);
  return new RootDirectory(path);
}

/** Starts an agent in `root`, uses it, and waits for its end. */
export async function tryJob(
  world: World,
  dist: string,
  root: RootDirectory,
  environment: Environment,
): Promise<Outcome> {
  await linkOrCopy(join(dist, environment.agent ?? "agent"), join(root.job, "agent"));
  const keys = join(root.job, ".authorized_keys");
  await Deno.writeTextFile(keys, world.publicKey);
  await Deno.chmod(keys, 0o644);
  const [program, ...args] = [...environment.emulator ?? [], AGENT, "--json", world.url];
  await using job = new Program(...root.command(program!, args, environment.options));
  const used = await useAgent(world, new Agent(job, new TempDir(), world.url));
  // Without a shell whose end it waits for, it would stay.
  if (used.terminal !== "yes") job.kill("SIGKILL");
  const { code, stderr } = await job.result();
  return {
    ...used,
    log: stderr.split("\n").map((line) => line.replace(/^\d\S+Z /, "").trim())
      .filter((line) => line !== "" && !line.startsWith("info ")),
    status: code,
    left: root.left().filter((path) => !USUAL.includes(path)),
  };
}

/** The terminal comes last: its end is the agent's. */
async function useAgent(world: World, agent: Agent) {
  const announced = await agent.announced().catch(() => undefined);
  if (announced === undefined) return { exec: "no", sftp: "no", terminal: "no" };
  return {
    exec: await outcome(() => tryExec(world, announced)),
    sftp: await outcome(() => trySftp(world, announced)),
    terminal: await outcome(() => tryTerminal(world, announced)),
  };
}
