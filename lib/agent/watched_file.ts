/** A file that people make, touch and remove, such as the hold file: whether it is there, and since when. */

import { basename, dirname } from "node:path";
import { fileErrorReason } from "../text/file_error.ts";
import type { Log } from "../log/log.ts";

/** How often the file is looked at even if nothing is heard of it, in milliseconds. */
const POLL_EVERY = 10_000;
/** How soon it is looked at when something else has happened in its directory, in milliseconds. */
const LOOK_AGAIN_IN = 1_000;
/** A file of a later time counts as of this one: dates that can be written end somewhere. */
const LATEST = Date.UTC(9999, 0);

export interface WatchedFileOptions {
  log: Log;
  /**
   * Called with the modification time (Unix time in milliseconds) when the file appears or is
   * touched, with undefined when it has gone, and at the start if it is there.
   */
  onChange: (modified: number | undefined) => void;
  /** @default 10 s, in milliseconds */
  pollEvery?: number;
}

/**
 * Makes an empty file if there is none; whatever is there keeps its time.
 *
 * @param what the file is, for the message
 * @throws {Error} if it cannot be made
 */
export function makeIfMissing(what: string, path: string): void {
  if (modifiedTime(path, undefined) !== undefined) return;
  try {
    Deno.openSync(path, { append: true, create: true }).close();
  } catch (error) {
    const why = fileErrorReason(error, "there is no such directory");
    throw new Error(`cannot make the ${what} "${path}": ${why}`, { cause: error });
  }
}

/**
 * When a file was modified (Unix time in milliseconds), undefined if there is none.
 *
 * @param unsure the result if that cannot be told
 */
export function modifiedTime(path: string, unsure: number | undefined): number | undefined {
  try {
    return timeOf(Deno.statSync(path));
  } catch (error) {
    return isGone(error) ? undefined : unsure;
  }
}

/** Deno has no number for a time that a Date cannot hold. */
function timeOf({ mtime }: Deno.FileInfo): number {
  const time = mtime?.getTime() ?? 0;
  return Number.isNaN(time) ? LATEST : Math.min(time, LATEST);
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/**
 * Watches a file. The system tells of changes in its directory; besides, it is looked at from
 * time to time, because network file systems tell of nothing that others do, and a directory that was
 * removed and made again has to be watched again.
 */
export class WatchedFile implements AsyncDisposable {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<unknown>;
  #known: number | undefined;
  /** Ends the wait for the next look. */
  #wake = () => {};
  /** The file may have changed since the last look began. */
  #stale = true;
  #lookingSoon: ReturnType<typeof setTimeout> | undefined;
  #watcher: Deno.FsWatcher | undefined;
  /** What tells the watched directory from one of the same name that was made later. */
  #watched: string | undefined;
  #listening: Promise<void> = Promise.resolve();
  #troubled = false;

  constructor(path: string, options: WatchedFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#running = this.#run();
  }

  /** Stops watching; nothing is called any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#stale = false;
      this.#forgetLookingSoon();
      await this.#watch();
      await this.#look();
      await this.#wait();
    }
    await this.#unwatch();
    this.#forgetLookingSoon();
  }

  #forgetLookingSoon(): void {
    clearTimeout(this.#lookingSoon);
    this.#lookingSoon = undefined;
  }

  /** Waits for news, or until it is time to look again. */
  async #wait(): Promise<void> {
    if (this.#stale || this.#stopped.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.pollEvery ?? POLL_EVERY);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Looks at the file once. Only a file that is surely gone counts as gone. */
  async #look(): Promise<void> {
    let modified: number | undefined;
    try {
      modified = timeOf(await Deno.stat(this.#path));
    } catch (error) {
      if (!isGone(error)) {
        if (!this.#troubled) {
          this.#options.log.warn("cannot look at a watched file", {
            path: this.#path,
            reason: error,
          });
        }
        this.#troubled = true;
        return;
      }
    }
    this.#troubled = false;
    if (modified === this.#known || this.#stopped.signal.aborted) return;
    this.#known = modified;
    this.#options.onChange(modified);
  }

  /** Makes sure that the directory is watched that bears its name now. */
  async #watch(): Promise<void> {
    const directory = dirname(this.#path);
    const identity = await Deno.stat(directory).then(
      // A directory made again often gets the inode of the one before.
      ({ dev, ino, birthtime }) => `${dev}:${ino}:${birthtime?.getTime()}`,
      () => "none",
    );
    if (this.#watcher && identity === this.#watched) return;
    await this.#unwatch();
    try {
      this.#watcher = Deno.watchFs(directory, { recursive: false });
    } catch (error) {
      // Gone for now, or a file system that cannot be watched: looking at the file has to do.
      this.#options.log.debug("cannot watch a directory", { directory, reason: error });
      return;
    }
    this.#watched = identity;
    this.#listening = this.#listen(this.#watcher);
  }

  /** Deno 2.9 hears nothing of a path that an earlier watcher has not quite let go of. */
  async #unwatch(): Promise<void> {
    try {
      this.#watcher?.close();
    } catch {
      // It has ended by itself.
    }
    this.#watcher = undefined;
    await this.#listening;
  }

  /** Whether an event's path is the file or its directory; links and drive letters may differ. */
  #concerns(path: string): boolean {
    const name = basename(path).toLowerCase();
    return [this.#path, dirname(this.#path)].some((own) => basename(own).toLowerCase() === name);
  }

  #lookNow(): void {
    this.#stale = true;
    this.#wake();
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { paths } of watcher) {
        // A job may do a lot to other files there. Deno drops events then, ours among them.
        if (paths.some((path) => this.#concerns(path))) this.#lookNow();
        else this.#lookingSoon ??= setTimeout(() => this.#lookNow(), LOOK_AGAIN_IN);
      }
    } catch (error) {
      this.#options.log.debug("a directory is no longer watched", {
        path: this.#path,
        reason: error,
      });
    }
    if (this.#watcher === watcher) this.#watcher = undefined;
  }
}
