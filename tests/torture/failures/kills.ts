/** Kills each program at each stage of a connection, as the kernel does when memory runs out. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { descendants } from "../../bench/usage.ts";
import { inTime } from "../../support/deadline.ts";
import { gone } from "../../support/processes.ts";
import { Program, startEntry } from "../../support/program.ts";
import { Scene } from "./scene.ts";

export const VICTIMS = ["server", "agent", "wsproxy", "tunnel"] as const;
type Victim = typeof VICTIMS[number];

/** How far a connection is when a program is killed. */
export const STAGES = ["dialling", "registered", "paired", "logged in", "transferring"] as const;
type Stage = typeof STAGES[number];

/**
 * What ssh runs; the first line on stderr is the process that must not outlive its connection. With an
 * agent that is killed it learns of that as under sshd: by the end of its input, or of its terminal.
 */
const COMMANDS: Partial<Record<Stage, string>> = {
  "logged in": "echo $$ >&2; exec cat",
  "transferring": "echo $$ >&2; exec cat /dev/zero",
};

/** Whether the program has that stage. */
export function hasStage(victim: Victim, stage: Stage): boolean {
  if (stage === "dialling") return victim !== "server";
  return stage !== "registered" || victim === "server" || victim === "agent";
}

/** A client's program, and the process that serves it in the job. */
interface Connection {
  program: Program;
  process?: number;
}

/** Kills the program at that stage, and checks that all is clean and the next try works. */
export async function kill(scene: Scene, victim: Victim, stage: Stage): Promise<void> {
  if (stage === "dialling") {
    await killWhileDialling(scene, victim);
  } else {
    const connection = stage === "registered" ? undefined : await connect(scene, victim, stage);
    await killProgram(scene, victim, connection);
    if (connection) await over(connection);
  }
  if (victim === "server") await scene.restartServer();
  if (victim === "agent") await scene.startAgent();
  if (victim === "agent" || victim === "tunnel") await scene.startTunnel();
  await scene.canLogIn(victim === "tunnel");
  assert.deepEqual(filesIn(scene.dir.path), [".authorized_keys", ".converge", ".hold"]);
  assert.deepEqual(filesIn(join(scene.dir.path, ".converge")), [`agent-${scene.agent.pid}.json`]);
}

function filesIn(directory: string): string[] {
  return readdirSync(directory).sort();
}

async function killProgram(
  { world, agent, tunnel }: Scene,
  victim: Victim,
  connection?: Connection,
): Promise<void> {
  if (victim === "wsproxy") {
    const client = connection!.program;
    const wsproxy = descendants(client.pid, /wsproxy/)[0];
    if (wsproxy) Deno.kill(wsproxy, "SIGKILL");
    else client.kill("SIGKILL");
    return;
  }
  const program = { server: world.server, agent, tunnel }[victim];
  program.kill("SIGKILL");
  await program.result();
}

/** Its peer takes the connection and says nothing. */
async function killWhileDialling(scene: Scene, victim: Victim): Promise<void> {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${silent.addr.port}`;
  // In its place: it has the agent's directory and the tunnel's port.
  if (victim !== "wsproxy") await killProgram(scene, victim);
  const args = { server: [], agent: [url], wsproxy: [url], tunnel: [`${scene.tunnelPort}`, url] };
  await using program = startEntry(`${victim}.ts`, args[victim], {
    cwd: scene.dir.path,
    interactive: true,
  });
  if (victim === "tunnel") await program.waitFor(/127\.0\.0\.1:\d+/);
  using _client = victim === "tunnel" ? await Deno.connect({ port: scene.tunnelPort }) : undefined;
  using _dialled = await silent.accept();
  program.kill("SIGKILL");
  await program.result();
}

async function connect(scene: Scene, victim: Victim, stage: Stage): Promise<Connection> {
  const command = COMMANDS[stage];
  const throughTunnel = victim === "tunnel";
  if (command === undefined) {
    const program = greeted(scene, throughTunnel);
    await program.waitFor(/^SSH-2\.0-/);
    return { program };
  }
  const program = scene.startSsh(command, throughTunnel);
  const process = Number((await program.waitFor(/^(\d+)$/m))[1]);
  return { program, process };
}

/** A client that has the agent's greeting and does not go on. */
function greeted({ world, announced, tunnelPort }: Scene, throughTunnel: boolean): Program {
  if (!throughTunnel) return world.startWsproxy(announced.id, { interactive: true });
  return new Program("bash", ["-c", `exec cat <>/dev/tcp/127.0.0.1/${tunnelPort}`]);
}

/** Waits until the client has ended, and with it what ran in the job. */
async function over({ program, process }: Connection): Promise<void> {
  await inTime(program.result(), () => `the client goes on: ${program.stderr}`);
  if (process) await inTime(gone(process), () => `process ${process} goes on`);
}
