import type { Directory, FileSystem } from "./files/file_system.ts";
import { MAX_HANDLES, Status } from "./packets/numbers.ts";
import { StatusError } from "./packets/status.ts";

/** A file that a client has open. */
export interface OpenFile {
  fd: number;
}

/** A directory that a client is listing. */
export interface OpenDirectory {
  directory: Directory;
}

type Handle = OpenFile | OpenDirectory;

/** The files and directories that one client has open; disposing closes them. */
export class Handles implements Disposable {
  readonly #files: FileSystem;
  readonly #open = new Map<number, Handle>();
  /** Counts up, so that an old handle never means a newer file. */
  #next = 0;

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /**
   * Calls `open` and gives what it opened a handle.
   *
   * @throws {StatusError} if too many are open
   */
  add(open: () => Handle): Uint8Array {
    if (this.#open.size >= MAX_HANDLES) {
      throw new StatusError(Status.failure, `Too many open handles, at most ${MAX_HANDLES}`);
    }
    const number = this.#next++;
    this.#open.set(number, open());
    const handle = new Uint8Array(4);
    new DataView(handle.buffer).setUint32(0, number);
    return handle;
  }

  /** @throws {StatusError} if it is not a handle of an open file */
  file(handle: Uint8Array): OpenFile {
    const found = this.#find(handle);
    if (!("fd" in found)) throw new StatusError(Status.failure, "Not a handle of a file");
    return found;
  }

  /** @throws {StatusError} if it is not a handle of an open directory */
  directory(handle: Uint8Array): OpenDirectory {
    const found = this.#find(handle);
    if ("fd" in found) throw new StatusError(Status.failure, "Not a handle of a directory");
    return found;
  }

  /** @throws {StatusError | SystemError} if there is no such handle, or closing fails */
  close(handle: Uint8Array): void {
    const found = this.#find(handle);
    this.#open.delete(toNumber(handle));
    this.#close(found);
  }

  [Symbol.dispose](): void {
    for (const handle of this.#open.values()) {
      try {
        this.#close(handle);
      } catch {
        // The client has disconnected.
      }
    }
    this.#open.clear();
  }

  #close(handle: Handle): void {
    if ("fd" in handle) this.#files.close(handle.fd);
    else handle.directory.close();
  }

  #find(handle: Uint8Array): Handle {
    const found = this.#open.get(toNumber(handle));
    if (found === undefined) throw new StatusError(Status.failure, "No such handle");
    return found;
  }
}

function toNumber(handle: Uint8Array): number {
  if (handle.length !== 4) return -1;
  return new DataView(handle.buffer, handle.byteOffset).getUint32(0);
}
