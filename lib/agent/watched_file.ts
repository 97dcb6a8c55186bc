/**
 * A file that people make, touch and remove, such as the hold file: whether it exists, and its time.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { fileErrorReason } from "../text/file_error.ts";
import type { Log } from "../log/log.ts";

/** How often the file is checked even without an event, in milliseconds. */
const POLL_EVERY = 10_000;
/** How soon it is checked after an event of another file in its directory, in milliseconds. */
const LOOK_AGAIN_IN = 1_000;
/** A later modification time counts as this one, so that every time can be written as a date. */
const LATEST = Date.UTC(9999, 0);

export interface WatchedFileOptions {
  log: Log;
  /**
   * Called with the modification time (Unix time in milliseconds) when the file appears or is
   * touched, with undefined when it is removed, and at the start if it exists.
   */
  onChange: (modified: number | undefined) => void;
  /** @default 10 s, in milliseconds */
  pollEvery?: number;
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
    Deno.openSync(path, { append: true, create: true }).close();
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
 * Watches a file by events of its directory. It is checked now and then as well: network file systems
 * send no events for what other machines do, and a directory that was removed and created again has
 * to be watched again.
 */
export class WatchedFile implements AsyncDisposable {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<unknown>;
  #known: number | undefined;
  /** Ends the wait for the next check. */
  #wake = () => {};
  /** The file may have changed since the last check began. */
  #stale = true;
  #lookingSoon: ReturnType<typeof setTimeout> | undefined;
  #watcher: Deno.FsWatcher | undefined;
  /** Tells the watched directory from a later one of the same name. */
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

  /** Waits for an event, or until the next check is due. */
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
    if (modified === this.#known || this.#stopped.signal.aborted) return;
    this.#known = modified;
    this.#options.onChange(modified);
  }

  /** Watches the directory that has its name now. */
  async #watch(): Promise<void> {
    const directory = dirname(this.#path);
    const identity = await Deno.stat(directory).then(
      // A new directory often gets the inode of the old one.
      ({ dev, ino, birthtime }) => `${dev}:${ino}:${birthtime?.getTime()}`,
      () => "",
    );
    if (this.#watcher && identity === this.#watched) return;
    await this.#unwatch();
    try {
      this.#watcher = Deno.watchFs(directory, { recursive: false });
    } catch (error) {
      // Removed for now, or its file system has no events: the checks have to do.
      this.#options.log.debug("cannot watch a directory", { directory, reason: error });
      return;
    }
    this.#watched = identity;
    this.#listening = this.#listen(this.#watcher);
  }

  /** Deno 2.9 gets no events for a path that an earlier watcher has not released yet. */
  async #unwatch(): Promise<void> {
    close(this.#watcher);
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

  #lookSoon(): void {
    this.#lookingSoon ??= setTimeout(() => this.#lookNow(), LOOK_AGAIN_IN);
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { paths } of watcher) {
        // A job may change many files there; Deno drops events then, ours among them.
        if (paths.some((path) => this.#concerns(path))) this.#lookNow();
        else this.#lookSoon();
      }
    } catch (error) {
      // Deno ends at a name that is not valid UTF-8.
      this.#options.log.debug("stopped watching a directory", {
        path: this.#path,
        reason: error,
      });
      this.#lookSoon();
    }
    if (this.#watcher !== watcher) return;
    close(watcher);
    this.#watcher = undefined;
  }
}

function close(watcher: Deno.FsWatcher | undefined): void {
  try {
    watcher?.close();
  } catch {
    // It ended by itself.
  }
}
