/**
 * `deno task torture hostile [peers] [seconds] [kind]`: hostile peers of each kind, all at once, first from
 * one address and then each from its own, against a server and an agent with their defaults. An
 * honest shell goes on beside them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { delay } from "../../lib/wire/delay.ts";
import { EchoSession, quantile } from "../bench/measure.ts";
import { Program } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { residentMemory } from "../support/stalled.ts";
import { JumpWorld } from "../support/jump_world.ts";
import type { Announced } from "../support/world.ts";
import { ATTACKS } from "./hostile/attacks.ts";
import { mebibytes, milliseconds, printTable } from "./table.ts";

/** How much memory the programs may take, in bytes. */
export const MAX_SERVER = 256 * 2 ** 20;
export const MAX_AGENT = 200 * 2 ** 20;

/** How long the honest shell's echo may take in the median, in milliseconds. */
const MAX_ECHO_MS = 10;

/** Between two bytes of the honest shell, in milliseconds. */
const TYPING_MS = 50;

interface Siege {
  /** Of each kind. */
  peers: number;
  /** How long, in milliseconds. */
  duration: number;
  /** Whether each peer has an address of its own. */
  scattered: boolean;
  kinds: string[];
  /** Of the attackers, see nice(1): as if they were elsewhere, they get what is left. */
  niceness: number;
}

/** What was seen under attack; times in milliseconds, memory in bytes. */
export interface Besieged {
  before: number[];
  during: number[];
  serverMemory: number;
  agentMemory: number;
  /** The share of a processor that the server and the agent took. */
  serverLoad: number;
  agentLoad: number;
  /** How often the peers of each kind connected. */
  connections: Record<string, number>;
}

/** Lets all attack at once. @throws {Error} if the honest shell breaks, or nobody can log in later */
export async function besiege(siege: Siege): Promise<Besieged> {
  await using jump = await JumpWorld.start([], { CONVERGE_PASSWORD: "a long password" });
  const { world } = jump;
  const agent = world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const options = world.sshOptions(announced);
  const destination = `${announced.username}@localhost`;
  await using shell = new EchoSession({ name: "shell", options, destination });
  await shell.trip();
  const before = await type(shell, siege.duration / 4, () => {});
  let [serverMemory, agentMemory] = [0, 0];
  const look = () => {
    serverMemory = Math.max(serverMemory, residentMemory(world.server.pid));
    agentMemory = Math.max(agentMemory, residentMemory(agent.program.pid));
  };
  await using attackers = new AsyncDisposableStack();
  const attacks = siege.kinds.map((kind, i) => {
    const network = siege.scattered ? i + 1 : 0;
    return [kind, attackers.use(attack(jump, announced, kind, siege, network))] as const;
  });
  for (const [, program] of attacks) await program.waitFor(/attacking/);
  const start = [world.server, agent.program].map(processorTime);
  const during = await type(shell, siege.duration, look);
  const [serverLoad, agentLoad] = [world.server, agent.program].map((program, i) =>
    (processorTime(program) - start[i]!) / siege.duration
  ) as [number, number];
  const connections: Record<string, number> = {};
  for (const [kind, program] of attacks) {
    await program.closeInput();
    connections[kind] = Number((await program.waitFor(/(\d+) connections/))[1]);
  }
  await type(shell, 0, look);
  return { before, during, serverMemory, agentMemory, serverLoad, agentLoad, connections };
}

/** The processor time that a program has taken so far, in milliseconds (proc_pid_stat(5)). */
function processorTime({ pid }: Program): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/.*\) /, "").split(" ");
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) * 1_000 / ticksPerSecond;
}

/** Starts the peers of one kind. */
function attack(
  { world, port: sshPort }: JumpWorld,
  { id }: Announced,
  kind: string,
  { peers, niceness }: Siege,
  network: number,
): Program {
  const script = join(ROOT, "tests/torture/hostile/attackers.ts");
  const { port } = new URL(world.http);
  const args = [kind, String(peers), port, String(sshPort), id, world.key, String(network)];
  const command = [Deno.execPath(), "run", "-A", script, ...args];
  return new Program("nice", ["-n", String(niceness), ...command], { interactive: true });
}

/** Types into the shell for a while. @returns how long each echo took */
async function type(shell: EchoSession, duration: number, look: () => void): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + duration;
  do {
    times.push(await shell.trip());
    look();
    await delay(TYPING_MS);
  } while (performance.now() < end);
  return times;
}

/** The scenario. */
export async function hostile(peers = "50", seconds = "40", kind = ""): Promise<void> {
  const kinds = Object.keys(ATTACKS).filter((name) => name.includes(kind));
  const tooMuch: string[] = [];
  for (const scattered of [false, true]) {
    const duration = Number(seconds) * 1_000;
    const seen = await besiege({ peers: Number(peers), duration, scattered, kinds, niceness: 19 });
    const median = quantile(seen.during, 0.5);
    console.log(
      `\n${peers} of each kind, ${scattered ? "each from its own" : "all from one"} address`,
    );
    printTable(["", ""], [
      ["echo before, median", milliseconds(quantile(seen.before, 0.5))],
      ["echo under attack, median", milliseconds(median)],
      ["95 of 100", milliseconds(quantile(seen.during, 0.95))],
      ["longest", milliseconds(Math.max(...seen.during))],
      ["server's memory, most", mebibytes(seen.serverMemory)],
      ["agent's memory, most", mebibytes(seen.agentMemory)],
      ["server's processor", `${(100 * seen.serverLoad).toFixed(0)} %`],
      ["agent's processor", `${(100 * seen.agentLoad).toFixed(0)} %`],
      ...Object.entries(seen.connections).map(([kind, count]) => [`connections, ${kind}`, count]),
    ]);
    if (seen.serverMemory > MAX_SERVER) tooMuch.push("the server's memory");
    if (seen.agentMemory > MAX_AGENT) tooMuch.push("the agent's memory");
    if (median > MAX_ECHO_MS) tooMuch.push("the time of the echo");
  }
  assert.deepEqual(tooMuch, []);
}
