/**
 * The environment of the job as it is now: later steps set variables, and sessions get what the
 * next step would get.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import type { Log } from "../../log/log.ts";
import { decodeText } from "../../text/decode_text.ts";
import { VariableChanges, type VariableFileKind } from "./variable_file.ts";

/** The longest file that is read, in bytes. */
const MAX_FILE_BYTES = 256 * 1024;

/** How often to look for the files of a new step, in milliseconds; most steps take longer. */
const LOOK_MS = 200;

/** The most files of steps that are open at a time; a runner has two. */
const MAX_OPEN = 64;

/** The names of the files of a step, before an ID of their own. */
const PREFIXES: [prefix: string, kind: VariableFileKind][] = [
  ["set_env_", "env"],
  ["add_path_", "path"],
];

export interface JobVariablesOptions {
  /** The environment that the agent was started with. */
  env: Record<string, string>;
  /** Paths of files with variables, read for each session; they may be missing. */
  files: string[];
  log: Log;
}

/** A file of a step. */
interface StepFile {
  kind: VariableFileKind;
  file: Deno.FsFile;
}

/**
 * Follows the files of GitHub's runner: it makes new ones beside `$GITHUB_ENV` for each step, and
 * removes those of the step before. They are opened soon after they appear, so that nothing is lost
 * with them.
 */
export class JobVariables implements Disposable {
  readonly #options: JobVariablesOptions;
  /** Where steps have their files; undefined without GitHub's runner. */
  readonly #directory: string | undefined;
  readonly #open = new Map<string, StepFile>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  /** Of files that do not exist any more. */
  readonly #past = new VariableChanges(Deno.build.os);
  #warned = false;

  constructor(options: JobVariablesOptions) {
    this.#options = options;
    const { GITHUB_ENV } = options.env;
    const isFromRunner = GITHUB_ENV !== undefined && basename(GITHUB_ENV).startsWith("set_env_");
    this.#directory = isFromRunner ? dirname(GITHUB_ENV) : undefined;
    this.#look();
    // Deno.watchFs opens what appears, and waits endlessly for the other end of a FIFO.
    if (isFromRunner) this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** The environment now. */
  current(): Record<string, string> {
    this.#look();
    const changes = this.#past.copy();
    for (const { kind, file } of this.#open.values()) this.#add(changes, kind, read(file));
    for (const path of this.#options.files) this.#add(changes, "env", this.#readNamed(path));
    return changes.applyTo(this.#options.env);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  /** Opens the files of new steps, and takes over what the removed ones had. */
  #look(): void {
    const names = this.#list();
    for (const name of names) {
      if (!this.#open.has(name)) this.#openFile(name);
    }
    for (const [name, { kind, file }] of this.#open) {
      if (names.has(name) && this.#open.size <= MAX_OPEN) continue;
      this.#add(this.#past, kind, read(file));
      file.close();
      this.#open.delete(name);
    }
  }

  /** The names of all files of steps. */
  #list(): Set<string> {
    const names = new Set<string>();
    if (this.#directory === undefined) return names;
    try {
      for (const { name, isFile } of Deno.readDirSync(this.#directory)) {
        if (isFile && kindOf(name) !== undefined) names.add(name);
        if (names.size >= MAX_OPEN) break;
      }
    } catch {
      // The runner removes it at the end of the job.
    }
    return names;
  }

  #openFile(name: string): void {
    try {
      const file = Deno.openSync(join(this.#directory!, name));
      this.#open.set(name, { kind: kindOf(name)!, file });
    } catch {
      // It was removed again.
    }
  }

  #readNamed(path: string): string {
    try {
      if (!Deno.statSync(path).isFile) return "";
      using file = Deno.openSync(path);
      return read(file);
    } catch {
      return ""; // A later step may write it.
    }
  }

  #add(changes: VariableChanges, kind: VariableFileKind, text: string): void {
    if (changes.add(kind, text) || this.#warned) return;
    this.#warned = true;
    this.#options.log.warn("the job sets too many variables; sessions do not get all of them");
  }
}

function kindOf(name: string): VariableFileKind | undefined {
  return PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
}

/** The text of a file, up to a limit. */
function read(file: Deno.FsFile): string {
  const bytes = new Uint8Array(MAX_FILE_BYTES);
  let length = 0;
  try {
    file.seekSync(0, Deno.SeekMode.Start);
    for (let count: number | null = 1; count && length < MAX_FILE_BYTES; length += count ?? 0) {
      count = file.readSync(bytes.subarray(length));
    }
  } catch {
    // What was read so far counts.
  }
  return decodeText(bytes.subarray(0, length));
}
