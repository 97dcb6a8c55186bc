import { allocate, INFINITE, INVALID_HANDLE, kernel32, lastError, ntdll } from "./api.ts";

/** How a read or a write ended. */
export interface Transfer {
  /** An NTSTATUS; 0x80000000 and above are failures. */
  status: number;
  /** Bytes read or written. */
  length: number;
}

/** What a watched job is told. */
export interface JobWatcher {
  /** A `JOB_OBJECT_MSG_…` and the process that it is about. */
  onMessage(message: number, pid: number): void;
  /** Time to look again: Windows does not promise to deliver every message. */
  onTick(): void;
}

/** How often {@link JobWatcher.onTick} is called, in milliseconds. */
const TICK_MS = 1000;

/** How many completions are fetched at once. */
const BATCH = 64;
/** The size of an OVERLAPPED_ENTRY. */
const ENTRY_SIZE = 32;

/** The completion key of pipes; jobs have others. */
const TRANSFERS = 0;

/** Whether an NTSTATUS is a failure, for which no completion follows. */
export function isFailure(status: number): boolean {
  return status >= 0x8000_0000;
}

/**
 * Waits for all pipes and jobs of this program at once, on a single thread.
 *
 * Deno runs asynchronous foreign calls, and the pipes of Deno.Command, on a pool of four threads a
 * processor on Windows. A read that waits for a quiet shell holds its thread, so a few shells would
 * hold up everything else, file access included. Here one call to GetQueuedCompletionStatusEx waits
 * for them all; it is under way only while something can complete, so nothing keeps an idle program
 * from exiting.
 */
class CompletionPort {
  readonly #port: bigint;
  readonly #transfers = new Map<number, () => void>();
  readonly #jobs = new Map<number, JobWatcher>();
  #lastId = TRANSFERS;
  #pumping = false;

  constructor() {
    this.#port = kernel32.CreateIoCompletionPort(INVALID_HANDLE, 0n, 0n, 1);
    if (this.#port === 0n) throw lastError("make a completion port");
  }

  /** Takes in a pipe that was opened for overlapped use. */
  add(pipe: bigint): void {
    if (kernel32.CreateIoCompletionPort(pipe, this.#port, BigInt(TRANSFERS), 0) === 0n) {
      throw lastError("wait for a pipe");
    }
  }

  /** Reads into `bytes`, which belongs to Windows until the promise resolves. */
  read(pipe: bigint, bytes: Uint8Array<ArrayBuffer>): Promise<Transfer> {
    return this.#transfer(ntdll.NtReadFile, pipe, bytes);
  }

  /** Writes all of `bytes`, which belongs to Windows until the promise resolves. */
  write(pipe: bigint, bytes: Uint8Array<ArrayBuffer>): Promise<Transfer> {
    return this.#transfer(ntdll.NtWriteFile, pipe, bytes);
  }

  #transfer(
    call: typeof ntdll.NtReadFile,
    pipe: bigint,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Transfer> {
    const id = ++this.#lastId;
    const result = allocate(16); // IO_STATUS_BLOCK
    const status = call(
      pipe,
      0n,
      null,
      BigInt(id),
      result,
      bytes,
      bytes.length,
      null,
      null,
    );
    if (isFailure(status)) return Promise.resolve({ status, length: 0 });
    const { promise, resolve } = Promise.withResolvers<Transfer>();
    // The closure also keeps `result` and `bytes` from being collected while Windows writes to
    // them.
    this.#transfers.set(id, () => {
      this.#transfers.delete(id);
      resolve({
        status: result.getUint32(0, true),
        length: Math.min(bytes.length, result.getUint32(8, true)),
      });
    });
    this.#pump();
    return promise;
  }

  /**
   * Tells `watcher` what happens in a job. Must be called before its first process starts.
   *
   * @returns ends the watch
   */
  watch(job: bigint, watcher: JobWatcher): () => void {
    const key = ++this.#lastId;
    const ASSOCIATE_COMPLETION_PORT = 7;
    const association = allocate(16);
    association.setBigUint64(0, BigInt(key), true);
    association.setBigUint64(8, this.#port, true);
    const set = kernel32.SetInformationJobObject(job, ASSOCIATE_COMPLETION_PORT, association, 16);
    if (set === 0) throw lastError("watch a job object");
    this.#jobs.set(key, watcher);
    this.#pump();
    return () => this.#jobs.delete(key);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    const entries = allocate(BATCH * ENTRY_SIZE);
    const count = allocate(4);
    let ticked = Date.now();
    while (this.#transfers.size > 0 || this.#jobs.size > 0) {
      const timeout = this.#jobs.size > 0 ? TICK_MS : INFINITE;
      const got = await kernel32.GetQueuedCompletionStatusExAsync(
        this.#port,
        entries,
        BATCH,
        count,
        timeout,
        0,
      );
      const entryCount = got === 0 ? 0 : count.getUint32(0, true);
      for (let i = 0; i < entryCount; i++) this.#dispatch(entries, i * ENTRY_SIZE);
      if (Math.abs(Date.now() - ticked) < TICK_MS) continue;
      ticked = Date.now();
      for (const watcher of this.#jobs.values()) watcher.onTick();
    }
    this.#pumping = false;
  }

  /** Handles one OVERLAPPED_ENTRY: key, overlapped, a reserved word, bytes transferred. */
  #dispatch(entries: DataView, offset: number): void {
    const key = Number(entries.getBigUint64(offset, true));
    const overlapped = Number(entries.getBigUint64(offset + 8, true));
    if (key === TRANSFERS) this.#transfers.get(overlapped)?.();
    else this.#jobs.get(key)?.onMessage(entries.getUint32(offset + 24, true), overlapped);
  }
}

/** The program's only completion port. */
export const completionPort = new CompletionPort();
