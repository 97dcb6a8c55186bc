/** Where the agent's log and its announcements go. */
import { dirname } from "node:path";
import { fileErrorReason } from "../text/file_error.ts";
import { createLog, type Log, type LogLevel } from "../log/log.ts";
import { writeStdout } from "../program/program.ts";
import { writeText } from "../log/write_text.ts";
import { REGISTERED } from "./control/detach.ts";

export interface AgentOutput extends Disposable {
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
   * Whether this is the agent in the background: its announcements go to the log file too, and after
   * the first one nowhere else.
   */
  detached: boolean;
}

/**
 * Opens the log.
 *
 * @throws {Error} if its file cannot be written
 */
export function openOutput({ logFile, logLevel, detached }: OutputOptions): AgentOutput {
  const file = logFile === undefined ? undefined : openFile(logFile);
  const followers = new Set<(text: string) => void>();
  const write = file && ((text: string) => {
    writeText(file, text);
    for (const follower of followers) follower(text);
  });
  let printTo = writeStdout;
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
    [Symbol.dispose]: () => file?.close(),
  };
}

function openFile(path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new Error(`cannot write the log "${path}": ${fileErrorReason(error)}`, { cause: error });
  }
}
