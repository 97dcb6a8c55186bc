/** `agent wait`, `stop`, `status` and `end`: what they do and say. */
import type { ControlOptions } from "../../cli/agent_options.ts";
import { formatDuration } from "../../../templates/assets/shared/format.js";
import { signalStatus } from "../../program/program.ts";
import { type AgentEnd, type AgentStatus, ask, type ControlCommand } from "./request.ts";
import { readRecord, removeRecord, type RunningAgent } from "./record.ts";
import { findAgent } from "./find_agent.ts";
import { endReason, formatTime } from "../lifetime/login_message.ts";

/** What the commands need of the outside. */
export interface ControlContext {
  /** The agent's directory. */
  dir: string;
  /** The ID of the agent in one of whose sessions the command runs. */
  preferredId?: string;
  /** Writes to stdout. */
  print: (text: string) => void;
  /** What sshd tells a session of its client: the address first; missing outside of one. */
  connection?: string;
  /** A signal of the operating system, with its name as the reason. */
  signal: AbortSignal;
}

/**
 * `agent wait`: tells the agent that the job is over, shows the agent's log and waits until it has
 * ended. A signal ends the agent.
 *
 * @returns the agent's exit status
 */
export async function waitForAgent(
  options: ControlOptions,
  context: ControlContext,
): Promise<number> {
  const { print, signal } = context;
  const agent = await findAgent({ ...context, id: options.id });
  if (!agent.running) {
    await removeRecord(agent.path);
    return tellEnd(agent.left, print);
  }
  const status = await ask<AgentStatus>(agent.running, { command: "release" });
  if (!status.ending) print(`${status.text ?? ""}${waitingText(status)}`);
  const end = await askForEnd(agent, { command: "wait" }, { signal, onLog: print }) ??
    await askForEnd(agent, {
      command: "end",
      reason: "cancelled",
      status: signalStatus(signal),
    });
  await removeRecord(agent.path);
  return tellEnd(end!, print);
}

/** `agent stop` and `agent end`: end the agent and return when it has ended. */
export async function endAgent(
  options: ControlOptions & { status?: number },
  { print, signal, connection, ...choice }: ControlContext,
): Promise<void> {
  const agent = await findAgent({ ...choice, id: options.id });
  const where = connection === undefined ? "the job" : `a session from ${connection.split(" ")[0]}`;
  const by = `agent ${options.status === undefined ? "stop" : "end"} in ${where}`;
  const command = {
    command: "end",
    reason: "stopped",
    status: options.status ?? 0,
    by,
  } as const;
  const end = agent.running ? await askForEnd(agent, command, { signal }) : agent.left;
  // In one of the agent's own shells this command ends with the shell.
  if (end) tellEnd(end, print);
}

/** `agent status`: prints how the agent is doing. */
export async function agentStatus(
  options: ControlOptions & { json?: boolean; windows?: boolean },
  { print, ...choice }: ControlContext,
): Promise<void> {
  const agent = await findAgent({ ...choice, id: options.id });
  if (options.json) {
    print(`${JSON.stringify(agent.running ? statusJson(agent.status) : agent.left)}\n`);
  } else if (agent.running) {
    const { commands, windowsCommands } = agent.status;
    print(statusText(agent.status, Date.now()));
    print((options.windows ? windowsCommands : commands) ?? "");
  } else {
    tellEnd(agent.left, print);
  }
}

/** Asks and waits for the agent's end; undefined if the signal came first. */
async function askForEnd(
  { path, running }: { path: string; running: RunningAgent },
  command: ControlCommand,
  options: { signal?: AbortSignal; onLog?: (text: string) => void } = {},
): Promise<AgentEnd | undefined> {
  try {
    return await ask<AgentEnd>(running, command, options);
  } catch (error) {
    if (options.signal?.aborted) return undefined;
    // It may have ended before it read the request or answered.
    const record = await readRecord(path);
    if (record && "ended" in record) return record;
    throw new Error("the agent disconnected; it was killed, or its log says why", {
      cause: error,
    });
  }
}

function tellEnd({ id, ended }: AgentEnd, print: (text: string) => void): number {
  const { reason, status, by } = ended;
  print(`The agent ${id} ended with status ${status}: ${endReason(reason, by)}.\n`);
  return status;
}

/** Why the job waits, and how long at most. */
function waitingText({ deadline, held, shells, sessions }: AgentStatus): string {
  const others = sessions - shells;
  const reasons = [
    ...shells > 0 ? [`${count(shells, "shell")} open`] : [],
    ...others > 0 ? [`${count(others, "other session")} open`] : [],
    ...held ? ["the hold file exists"] : [],
  ];
  return `The job waits: ${reasons.join(", ")}. ` +
    `Without input it goes on at ${formatTime(deadline)}.\n`;
}

function statusJson(agentStatus: AgentStatus): unknown {
  const { text: _, commands: _posix, windowsCommands: _windows, deadline, activity, ...status } =
    agentStatus;
  const iso = (time?: number) => time === undefined ? undefined : new Date(time).toISOString();
  return { ...status, deadline: iso(deadline), activity: iso(activity) };
}

const MODE_TEXTS = {
  foreground: "ends when the last shell ends",
  background: "stays until the job is over",
  waiting: "the job is over and waits for shells",
} as const;

/** What `agent status` prints. */
function statusText(status: AgentStatus, now: number): string {
  const { id, pid, mode, ending, announcement, deadline, activity, held } = status;
  const { shells, sessions } = status;
  const ago = activity === undefined ? "never" : `${formatDuration(now - activity)} ago`;
  const lines = [
    ["ID", id],
    ["Process", String(pid)],
    ["State", ending ? "ending" : announcement ? MODE_TEXTS[mode] : "not registered yet"],
    ["Ends at", `${formatTime(deadline)}, in ${formatDuration(deadline - now)}, without input`],
    ["Last input", ago],
    ["Hold file", held ? "exists" : "does not exist"],
    ["Open", `${count(shells, "shell")}, ${count(sessions - shells, "other session")}`],
  ];
  return lines.map(([name, value]) => `${name!.padEnd(13)}${value}\n`).join("");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
