import type { ExitStatus } from "../process.ts";
import { allocate, INFINITE, kernel32, lastError } from "./api.ts";
import { completionPort } from "./completion_port.ts";

/** Messages of a job object. */
const ACTIVE_PROCESS_ZERO = 4, EXIT_PROCESS = 7, ABNORMAL_EXIT_PROCESS = 8;

/** The exit code of what {@link Job.terminate} ends. */
const TERMINATED = 1;

/**
 * A program and everything that it starts. Windows ends them all when the job's only handle is
 * closed, so also when this process dies.
 */
export class Job {
  readonly #handle: bigint;
  readonly #unwatch: () => void;
  readonly #exited = Promise.withResolvers<ExitStatus>();
  readonly #empty = Promise.withResolvers<void>();
  #process?: { handle: bigint; pid: number };
  #exiting = false;
  #signal?: string;
  #closed = false;

  constructor() {
    this.#handle = kernel32.CreateJobObjectW(null, null);
    if (this.#handle === 0n) throw lastError("make a job object");
    const EXTENDED_LIMITS = 9, KILL_ON_JOB_CLOSE = 0x2000;
    const limits = allocate(144);
    limits.setUint32(16, KILL_ON_JOB_CLOSE, true);
    kernel32.SetInformationJobObject(this.#handle, EXTENDED_LIMITS, limits, limits.byteLength);
    this.#unwatch = completionPort.watch(this.#handle, {
      onMessage: (message, pid) => this.#onMessage(message, pid),
      onTick: () => this.#onTick(),
    });
  }

  /** Resolves when the program itself has ended. */
  get exited(): Promise<ExitStatus> {
    return this.#exited.promise;
  }

  /** Resolves when nothing runs any more; the handles are closed then. */
  get empty(): Promise<void> {
    return this.#empty.promise;
  }

  /**
   * Puts the program in, which must not have run yet. The handle is the job's from here on.
   *
   * @throws {Error} if Windows refuses
   */
  assign(handle: bigint, pid: number): void {
    if (kernel32.AssignProcessToJobObject(this.#handle, handle) === 0) {
      throw lastError("put a program in a job object");
    }
    this.#process = { handle, pid };
  }

  /** Ends all at once. The exit status of the program, if it still ran, is then `signal`. */
  terminate(signal: string): void {
    if (this.#closed) return;
    if (!this.#exiting) this.#signal ??= signal;
    kernel32.TerminateJobObject(this.#handle, TERMINATED);
  }

  /** Gives the handles back, which ends what still runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    if (this.#process) kernel32.CloseHandle(this.#process.handle);
    kernel32.CloseHandle(this.#handle);
  }

  #onMessage(message: number, pid: number): void {
    if (message === EXIT_PROCESS || message === ABNORMAL_EXIT_PROCESS) {
      if (pid === this.#process?.pid) this.#exit();
    } else if (message === ACTIVE_PROCESS_ZERO) {
      this.#exit().then(() => this.#finish());
    }
  }

  #onTick(): void {
    if (!this.#process || this.#closed) return;
    const SIGNALLED = 0;
    if (kernel32.WaitForSingleObject(this.#process.handle, 0) !== SIGNALLED) return;
    this.#exit().then(() => this.#activeProcesses() === 0 && this.#finish());
  }

  /** Fetches the exit status. The message comes shortly before the process is quite gone. */
  async #exit(): Promise<void> {
    if (this.#exiting) return void await this.exited;
    this.#exiting = true;
    const { handle } = this.#process!;
    await kernel32.WaitForSingleObjectAsync(handle, INFINITE);
    const code = allocate(4);
    kernel32.GetExitCodeProcess(handle, code);
    this.#exited.resolve(
      this.#signal
        ? { signal: this.#signal, coreDumped: false }
        : { code: code.getUint32(0, true) },
    );
  }

  #activeProcesses(): number {
    const BASIC_ACCOUNTING = 1;
    const accounting = allocate(48);
    kernel32.QueryInformationJobObject(
      this.#handle,
      BASIC_ACCOUNTING,
      accounting,
      accounting.byteLength,
      null,
    );
    return accounting.getUint32(40, true);
  }

  #finish(): void {
    this.close();
    this.#empty.resolve();
  }
}
