/**
 * `wsproxy setup`: puts wsproxy where shells find it, and an entry into ssh's configuration, so
 * that `ssh ID.converge` logs in to the job ID. All that it writes, it can undo.
 *
 * @module
 */
import { lstat, readdir, rmdir, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { readFile } from "../../files/read_file.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import { INCLUDE_LINE, withInclude, withoutInclude } from "./include_line.ts";
import {
  type Computer,
  installProgram,
  makeDirectory,
  type OwnProgram,
  pathAdvice,
} from "./own_program.ts";
import { isWritable, replaceBytes, replaceText } from "./replace_file.ts";
import {
  readSetup,
  type SetupFiles,
  setupFiles,
  type SetupRecord,
  writeSetup,
} from "./setup_record.ts";
import { sshEntry, type SuffixServer } from "./ssh_entry.ts";

/** The longest configuration of ssh that is changed, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What setup needs of the outside. */
export interface SetupContext {
  computer: Computer;
  program: OwnProgram;
  /** Writes a line to stdout. */
  print: (line: string) => void;
}

/**
 * Sets up a server, or sets it up again.
 *
 * @param suffix what the names of its jobs end in, without the dot
 * @throws {Error} if a file cannot be read or written, with what to do
 */
export async function setUp(
  suffix: string,
  server: SuffixServer,
  { computer, program, print }: SetupContext,
): Promise<void> {
  const files = setupFiles(computer.home);
  const record = await readSetup(files);
  record.program = program.words;
  if (program.executable !== undefined) {
    const { path, change, onPath } = await installProgram(
      program.executable,
      computer,
      record.made,
    );
    record.program = [path];
    print(`${path}: ${change}`);
    if (!onPath) pathAdvice(dirname(path), computer).forEach(print);
  }
  record.servers[suffix] = server;
  await makeDirectory(files.dir, record.made, 0o700);
  await writeEntries(files, record, { computer, print });
  const old = await readIfThere(files.config);
  const config = withInclude(old ?? new Uint8Array());
  const added = `"${INCLUDE_LINE}" as its first line`;
  const mayChange = old === undefined || await isWritable(files.config);
  if (config !== undefined && mayChange) {
    if (old === undefined) record.made.push(files.config);
    await replaceBytes(files.config, config);
  }
  await writeSetup(files, record);
  if (config !== undefined && !mayChange) {
    throw new Error(`cannot write "${files.config}": it is read-only; add ${added} yourself`);
  }
  print(`${files.config}: ${config === undefined ? "unchanged" : `added ${added}`}`);
  if (!computer.windows && (await stat(files.config)).mode & 0o022) {
    print(`${files.config}: ssh refuses it while others can write to it: chmod go-w ~/.ssh/config`);
  }
  print(`log in with: ssh ID.${suffix}`);
}

/**
 * Undoes {@link setUp}.
 *
 * @param suffix only that server, as long as there are others
 * @throws {Error} if a file cannot be read or written, or the server is not set up
 */
export async function undoSetup(
  suffix: string | undefined,
  { computer, print }: SetupContext,
): Promise<void> {
  const files = setupFiles(computer.home);
  const record = await readSetup(files);
  if (suffix !== undefined) {
    if (!(suffix in record.servers)) throw new Error(`cannot undo ".${suffix}": it is not set up`);
    delete record.servers[suffix];
    if (Object.keys(record.servers).length > 0) {
      await writeEntries(files, record, { computer, print });
      return await writeSetup(files, record);
    }
  }
  const config = withoutInclude(await readIfThere(files.config) ?? new Uint8Array());
  if (config !== undefined) {
    if (!await isWritable(files.config)) {
      throw new Error(
        `cannot write "${files.config}": it is read-only; remove "${INCLUDE_LINE}" yourself`,
      );
    }
    await replaceBytes(files.config, config);
    print(`${files.config}: removed "${INCLUDE_LINE}"`);
  }
  for (const path of [files.entries, files.knownHosts, files.record]) await removeFile(path, print);
  // Directories come before what is in them. Of those only the empty ones go.
  for (const path of record.made.toReversed()) {
    if (path !== files.config || config?.length === 0) await removeFile(path, print);
  }
}

/** Writes the entries of all servers. */
async function writeEntries(
  files: SetupFiles,
  { servers, program }: SetupRecord,
  { computer, print }: Pick<SetupContext, "computer" | "print">,
): Promise<void> {
  const { knownHosts, entries } = files;
  const { windows } = computer;
  const texts = Object.entries(servers).sort().map(([suffix, server]) =>
    sshEntry({ ...server, suffix, program, knownHosts, windows })
  );
  const text = `# Written by "wsproxy setup"; "wsproxy setup --undo" removes it.\n${
    texts.join("")
  }`;
  const old = await readIfThere(entries);
  const same = old !== undefined && new TextDecoder().decode(old) === text;
  if (!same) await replaceText(entries, text);
  const suffixes = Object.keys(servers).sort().map((suffix) => `*.${suffix}`).join(", ");
  print(`${entries}: ${same ? "unchanged" : `written, for ${suffixes}`}`);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path, { maxBytes: MAX_BYTES });
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new Error(`cannot read "${path}": ${fileErrorReason(cause)}`, { cause });
  }
}

/** Removes a file, or a directory if it is empty: what others put there stays. */
async function removeFile(path: string, print: (line: string) => void): Promise<void> {
  try {
    const isDirectory = (await lstat(path)).isDirectory();
    if (isDirectory && (await readdir(path)).length > 0) return;
    await (isDirectory ? rmdir(path) : unlink(path));
    print(`${path}: removed`);
  } catch (error) {
    if (!isMissing(error)) print(`${path}: cannot remove it: ${fileErrorReason(error)}`);
  }
}
