/**
 * The records by which `agent wait`, `stop`, `status` and `end` find an agent: a file for each
 * agent, in its directory, which only its own user can read.
 *
 * @module
 */
import { join } from "node:path";
import { checkPrivateDirectory, makePrivateDirectory } from "../../files/private_directory.ts";
import { readText } from "../../files/read_file.ts";
import { writePrivateFile } from "../../files/write_file.ts";
import { fileErrorReason } from "../../text/file_error.ts";
import type { LifetimeEnd } from "../lifetime/keeper.ts";

/** Where the records are, in the agent's directory. */
export const CONTROL_DIRECTORY = ".converge";

/** The longest record, in bytes. */
const MAX_BYTES = 64 * 1024;

/** An agent that runs, or was killed. */
export interface RunningAgent {
  pid: number;
  /** Where it listens on 127.0.0.1. */
  port: number;
  /** What each request must have. */
  token: string;
}

/** An agent that has ended, for an `agent wait` that is yet to come. */
export interface EndedAgent {
  pid: number;
  /** Its rendez-vous ID. */
  id: string;
  ended: LifetimeEnd;
}

export type ControlRecord = RunningAgent | EndedAgent;

/** The path of the record of an agent whose directory is `dir`. */
export function recordPath(dir: string, pid: number): string {
  return join(dir, CONTROL_DIRECTORY, `agent-${pid}.json`);
}

/**
 * Writes an agent's record in one step, so that nobody reads half of it.
 *
 * @throws {Error} if it cannot be written
 */
export async function writeRecord(dir: string, record: ControlRecord): Promise<void> {
  const directory = join(dir, CONTROL_DIRECTORY);
  try {
    await makePrivateDirectory(directory);
    await writePrivateFile(recordPath(dir, record.pid), JSON.stringify(record));
  } catch (cause) {
    throw new Error(`cannot use "${directory}": ${fileErrorReason(cause)}`, { cause });
  }
}

/** Removes a record, if it exists. */
export async function removeRecord(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * The valid records of a directory, with their paths.
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

/** One agent's record, if it is valid. */
export async function readRecord(path: string): Promise<ControlRecord | undefined> {
  try {
    const value = JSON.parse(await readText(path, { maxBytes: MAX_BYTES }));
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
    await checkPrivateDirectory(directory);
    for await (const { name } of Deno.readDir(directory)) {
      const [, pid] = name.match(/^agent-(\d{1,10})\.json$/) ?? [];
      if (pid) pids.push(Number(pid));
    }
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!absent) {
      const why = fileErrorReason(error);
      throw new Error(`cannot look for an agent in "${directory}": ${why}`, { cause: error });
    }
  }
  return pids.sort((a, b) => a - b);
}
