/** Which agent `agent wait`, `stop`, `status` and `end` mean. */
import { type AgentStatus, ask } from "./request.ts";
import { type EndedAgent, readRecords, type RunningAgent } from "./record.ts";

/** How an agent is chosen. */
export interface AgentChoice {
  /** The agent's directory. */
  dir: string;
  /** Its rendez-vous ID; any if missing. */
  id?: string;
  /** The ID to take if there are several. */
  preferredId?: string;
}

/** An agent that was found, with the path of its file. */
export type FoundAgent =
  | { path: string; running: RunningAgent; status: AgentStatus }
  | { path: string; running?: undefined; left: EndedAgent };

/**
 * Finds the agent that runs in a directory, else one that has ended and left word.
 *
 * @throws {Error} if there is none, or several to choose from
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
      throw new Error(`cannot choose between the agents of "${dir}": ${ids}; name one with --id`);
    }
  }
  if (silent) throw new Error(`cannot ask the agent of "${dir}"`, { cause: silent });
  if (killed !== undefined) {
    throw new Error(
      `cannot find the agent of "${dir}": process ${killed} has gone without a word; ` +
        "it was killed, or its log says more",
    );
  }
  const what = id === undefined ? "an agent" : `the agent ${id}`;
  throw new Error(
    `cannot find ${what} in "${dir}": none runs there; ` +
      "go to the directory where it was started, or set CONVERGE_DIR to that",
  );
}

function idOf(agent: FoundAgent): string {
  return agent.running ? agent.status.id : agent.left.id;
}
