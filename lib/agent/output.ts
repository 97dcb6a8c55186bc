/** Where the agent's log and its announcements go. */
import { basename, dirname } from "node:path";
import { makePrivateDirectory } from "../files/private_directory.ts";
import { openToAppend } from "../files/write_file.ts";
import { fileErrorReason } from "../text/file_error.ts";
import { createLog, type Log, type LogLevel } from "../log/log.ts";
import { writeStdout } from "../program/program.ts";
import { TextWriter } from "../log/text_writer.ts";
import { REGISTERED } from "./control/detach.ts";
import { CONTROL_DIRECTORY } from "./control/record.ts";

/** How long the log file may take nothing when the agent ends, in milliseconds. */
const FLUSH_MS = 1_000;

export interface AgentOutput extends AsyncDisposable {
  log: Log;
  /** Prints an announcement. */
  print: (text: string) => void;
  /** Calls `listener` with what goes to the log file, until the result is called. */
  follow: (listener: (text: string) => void) => () => void;
  /** The agent has registered and announced it. */
  registered: () => void;
}

export interface OutputOptions {
  /** @default stderr */
  logFile?: string;
  logLevel: LogLevel;
  /**
   * Whether this is the agent in the background: its announcements go to the log file too, and
   * after the first one nowhere else.
   */
  detached: boolean;
  /** Where announcements go. @default stdout */
  print?: (text: string) => void;
}

/**
 * Opens the log.
 *
 * @throws {Error} if its file cannot be written
 */
export async function openOutput(
  { logFile, logLevel, detached, print = writeStdout }: OutputOptions,
): Promise<AgentOutput> {
  const file = logFile === undefined ? undefined : await openFile(logFile);
  const writer = file && new TextWriter(file);
  const followers = new Set<(text: string) => void>();
  const write = writer && ((text: string) => {
    writer.write(text);
    for (const follower of followers) follower(text);
  });
  let printTo = print;
  return {
    log: createLog({ level: logLevel, write }),
    print: (text) => {
      printTo(text);
      if (detached) write?.(text);
    },
    follow: (listener) => {
      followers.add(listener);
      return () => followers.delete(listener);
    },
    registered: () => {
      if (!detached) return;
      printTo(REGISTERED);
      printTo = () => {};
    },
    [Symbol.asyncDispose]: async () => {
      await writer?.flush(FLUSH_MS);
      file?.close();
    },
  };
}

async function openFile(path: string): Promise<Deno.FsFile> {
  const directory = dirname(path);
  try {
    if (basename(directory) === CONTROL_DIRECTORY) await makePrivateDirectory(directory);
    else await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return await openToAppend(path);
  } catch (error) {
    throw new Error(`cannot write the log "${path}": ${fileErrorReason(error)}`, { cause: error });
  }
}
