/**
 * A file that people make, touch and remove, such as the hold file: whether it exists, and its
 * time.
 *
 * @module
 */
import { fileErrorReason } from "../text/file_error.ts";
import type { Log } from "../log/log.ts";
import { delay } from "../wire/delay.ts";

/** How often the file is looked at, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** A later modification time counts as this one, so that every time can be written as a date. */
const LATEST = Date.UTC(9999, 0);

export interface WatchedFileOptions {
  log: Log;
  /**
   * Called with the modification time (Unix time in milliseconds) when the file appears or is
   * touched, with undefined when it is removed, and at the start if it exists.
   */
  onChange: (modified: number | undefined) => void;
  /** The time that is known, where it is learnt otherwise, too. @default what was last told */
  known?: () => number | undefined;
  /** How often to look, in milliseconds. @default 1 s */
  lookEvery?: number;
}

/**
 * Creates an empty file unless it exists, whose time is kept then.
 *
 * @param what the file is, for the message
 * @throws {Error} if it cannot be created
 */
export function makeIfMissing(what: string, path: string): void {
  if (modifiedTime(path, undefined) !== undefined) return;
  try {
    // A new one: a link that leads nowhere is not followed.
    Deno.openSync(path, { write: true, createNew: true }).close();
  } catch (error) {
    const why = fileErrorReason(error, "no such directory");
    throw new Error(`cannot create the ${what} "${path}": ${why}`, { cause: error });
  }
}

/**
 * When a file was modified (Unix time in milliseconds), undefined if it does not exist.
 *
 * @param unsure the result if that cannot be found out
 */
export function modifiedTime(path: string, unsure: number | undefined): number | undefined {
  try {
    return timeOf(Deno.statSync(path));
  } catch (error) {
    return isGone(error) ? undefined : unsure;
  }
}

/** The time is NaN where a Date cannot hold it. */
function timeOf({ mtime }: Deno.FileInfo): number {
  const time = mtime?.getTime() ?? 0;
  return Number.isNaN(time) ? LATEST : Math.min(time, LATEST);
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/**
 * Looks at a file from time to time. Events of the system would come sooner, but not from all file
 * systems, and Deno's stop the program when a user makes a named pipe in the directory:
 * docs/decisions/0019-watched-files-are-polled.md.
 */
export class WatchedFile implements AsyncDisposable {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #known: number | undefined;
  #troubled = false;

  constructor(path: string, options: WatchedFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#running = this.#run();
  }

  /** Stops watching; nothing is called any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#look();
      await delay(this.#options.lookEvery ?? LOOK_EVERY_MS, signal);
    }
  }

  /** Checks the file once. It counts as removed only if that is certain. */
  async #look(): Promise<void> {
    let modified: number | undefined;
    try {
      modified = timeOf(await Deno.stat(this.#path));
    } catch (error) {
      if (!isGone(error)) {
        if (!this.#troubled) {
          this.#options.log.warn("cannot check a watched file", {
            path: this.#path,
            reason: error,
          });
        }
        this.#troubled = true;
        return;
      }
    }
    this.#troubled = false;
    const { known = () => this.#known, onChange } = this.#options;
    if (modified === known() || this.#stopped.signal.aborted) return;
    this.#known = modified;
    onChange(modified);
  }
}
