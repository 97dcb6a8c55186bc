/** Which agent `agent wait`, `stop`, `status` and `end` mean. */
import { errorMessage } from "../../text/error_message.ts";
import { type AgentStatus, ask } from "./request.ts";
import { type EndedAgent, readRecords, type RunningAgent } from "./record.ts";

/** How an agent is chosen. */
export interface AgentChoice {
  /** The agent's directory. */
  dir: string;
  /** Its rendez-vous ID; missing: any. */
  id?: string;
  /** The ID to take if there are several. */
  preferredId?: string;
}

/** An agent that was found, with the path of its record. */
export type FoundAgent =
  | { path: string; running: RunningAgent; status: AgentStatus }
  | { path: string; running?: undefined; left: EndedAgent };

/**
 * Finds the agent that runs in a directory, else one that has ended and left a record.
 *
 * @throws {Error} if none is found, or several
 */
export async function findAgent(choice: AgentChoice): Promise<FoundAgent> {
  const { dir, id, preferredId } = choice;
  const records = await readRecords(dir);
  const running: FoundAgent[] = [];
  const ended: FoundAgent[] = [];
  let silent: unknown;
  let killed: number | undefined;
  await Promise.all(records.map(async ([path, record]) => {
    if (!("port" in record)) return void ended.push({ path, left: record });
    try {
      const status = await ask<AgentStatus>(record, { command: "status" });
      running.push({ path, running: record, status });
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) killed = record.pid;
      else silent = error;
    }
  }));
  for (const found of [running, ended]) {
    const fitting = id === undefined ? found : found.filter((agent) => idOf(agent) === id);
    const [first, second] = fitting;
    if (first && !second) return first;
    const preferred = fitting.find((agent) => idOf(agent) === preferredId);
    if (preferred) return preferred;
    if (second) {
      const ids = fitting.map(idOf).sort().join(", ");
      throw new Error(`cannot choose an agent in "${dir}": there are ${ids}; name one with --id`);
    }
  }
  if (silent) {
    throw new Error(`cannot reach the agent in "${dir}": ${errorMessage(silent)}`, {
      cause: silent,
    });
  }
  if (killed !== undefined) {
    throw new Error(
      `cannot find the agent in "${dir}": process ${killed} does not run any more; ` +
        "it was killed, or its log says why",
    );
  }
  const what = id === undefined ? "an agent" : `the agent ${id}`;
  throw new Error(
    `cannot find ${what} in "${dir}": none was started there; ` +
      "change to the directory where it was started, or set CONVERGE_DIR to it",
  );
}

function idOf(agent: FoundAgent): string {
  return agent.running ? agent.status.id : agent.left.id;
}
