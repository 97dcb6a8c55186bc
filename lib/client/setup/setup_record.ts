/** What `wsproxy setup` did, in a file beside ssh's configuration: to undo it, and for updates. */
import { dirname, join } from "node:path";
import { readText } from "../../files/read_file.ts";
import { errorMessage } from "../../text/error_message.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import { replaceText } from "./replace_file.ts";
import type { SuffixServer } from "./ssh_entry.ts";

/** The longest record, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** The files of setup in a person's home, all absolute. */
export interface SetupFiles {
  /** The person's own configuration of ssh. */
  config: string;
  /** The directory of the others. */
  dir: string;
  /** The entries of the servers. */
  entries: string;
  /** The host keys that ssh keeps for their jobs. */
  knownHosts: string;
  record: string;
}

export function setupFiles(home: string): SetupFiles {
  const dir = join(home, ".ssh", "converge");
  return {
    config: join(dirname(dir), "config"),
    dir,
    entries: join(dir, "config"),
    knownHosts: join(dir, "known_hosts"),
    record: join(dir, "setup.json"),
  };
}

export interface SetupRecord {
  /** By suffix. */
  servers: Record<string, SuffixServer>;
  /** The words that start wsproxy. */
  program: string[];
  /** The directories and files that setup made where there were none, in this order. */
  made: string[];
}

/**
 * Reads the record; an empty one if nothing is set up.
 *
 * @throws {Error} if it cannot be read
 */
export async function readSetup({ record }: SetupFiles): Promise<SetupRecord> {
  try {
    const text = await readText(record, { maxBytes: MAX_BYTES });
    return { servers: {}, program: [], made: [], ...JSON.parse(text) };
  } catch (cause) {
    if (isMissing(cause)) return { servers: {}, program: [], made: [] };
    const why = cause instanceof SyntaxError
      ? `${errorMessage(cause)}; delete the file and run wsproxy setup again`
      : fileErrorReason(cause);
    throw new Error(`cannot read "${record}": ${why}`, { cause });
  }
}

/** @throws {Error} the system's own */
export async function writeSetup({ record }: SetupFiles, content: SetupRecord): Promise<void> {
  await replaceText(record, `${JSON.stringify(content, null, 2)}\n`);
}
