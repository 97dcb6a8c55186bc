/**
 * The files by which `agent wait`, `stop`, `status` and `end` find an agent: one an agent, in its
 * directory, for the eyes of its own user.
 *
 * @module
 */
import { join } from "node:path";
import { fileErrorReason } from "../../text/file_error.ts";
import type { LifetimeEnd } from "../lifetime/keeper.ts";

/** Where the files are, in the agent's directory. */
const CONTROL_DIRECTORY = ".converge";

/** An agent that runs, or has died without a word. */
export interface RunningAgent {
  pid: number;
  /** Where it listens on 127.0.0.1. */
  port: number;
  /** What a request has to show. */
  token: string;
}

/** What an agent that the job will ask for has left at its end. */
export interface EndedAgent {
  pid: number;
  /** Its rendez-vous ID. */
  id: string;
  ended: LifetimeEnd;
}

export type ControlRecord = RunningAgent | EndedAgent;

/** The file of an agent whose directory is `dir`. */
export function recordPath(dir: string, pid: number): string {
  return join(dir, CONTROL_DIRECTORY, `agent-${pid}.json`);
}

/**
 * Writes an agent's file in one step, so that nobody reads half of it.
 *
 * @throws {Error} if the directory cannot be written to
 */
export async function writeRecord(dir: string, record: ControlRecord): Promise<void> {
  const path = recordPath(dir, record.pid);
  const fresh = `${path}.new`;
  await Deno.mkdir(join(dir, CONTROL_DIRECTORY), { recursive: true, mode: 0o700 });
  await removeRecord(fresh);
  await Deno.writeTextFile(fresh, JSON.stringify(record), { createNew: true, mode: 0o600 });
  await Deno.rename(fresh, path);
}

/** Removes a file; one that is gone already is fine. */
export async function removeRecord(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * The files of all agents of a directory, with their paths; what is no such file is left out.
 *
 * @throws {Error} if the directory cannot be read, mostly because it is another user's
 */
export async function readRecords(dir: string): Promise<[path: string, ControlRecord][]> {
  const records: [string, ControlRecord][] = [];
  for (const pid of await listPids(join(dir, CONTROL_DIRECTORY))) {
    const path = recordPath(dir, pid);
    const record = await readRecord(path);
    if (record) records.push([path, record]);
  }
  return records;
}

/** One agent's file, if there is one that makes sense. */
export async function readRecord(path: string): Promise<ControlRecord | undefined> {
  try {
    const value = JSON.parse(await Deno.readTextFile(path));
    if (!Number.isSafeInteger(value?.pid)) return undefined;
    const running = typeof value.token === "string" && Number.isInteger(value.port) &&
      value.port > 0 && value.port < 65_536;
    const ended = typeof value.id === "string" && Number.isInteger(value.ended?.status);
    return running || ended ? value : undefined;
  } catch {
    return undefined;
  }
}

async function listPids(directory: string): Promise<number[]> {
  const pids: number[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const [, pid] = name.match(/^agent-(\d{1,10})\.json$/) ?? [];
      if (pid) pids.push(Number(pid));
    }
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!absent) {
      const why = fileErrorReason(error);
      throw new Error(
        `cannot look for an agent in "${directory}": ${why}; it is for the user who started it`,
        { cause: error },
      );
    }
  }
  return pids.sort((a, b) => a - b);
}
