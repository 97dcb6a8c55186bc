/**
 * Programs on Windows: with pipes here, with a terminal in windows_pty.ts; each in a job object, so
 * that all it starts can be ended with it. docs/windows.md says what of it was tried where.
 *
 * @module
 */

import type { ExitStatus, Process, ProcessOptions } from "../process.ts";
import { kernel32 } from "./api.ts";
import type { Job } from "./job.ts";
import { createReaderPipe, createWriterPipe, type PipeReader, type PipeWriter } from "./pipe.ts";
import { type StartedProgram, startProgram } from "./start.ts";

export { spawnWindowsPty } from "./pty.ts";

/**
 * Starts a program with pipes for its stdin, stdout and stderr.
 *
 * It gets a hidden console of its own, since console programs need one. Nobody can type there, so
 * there is no Ctrl-C to send: every signal ends the program and all that it started.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnWindowsProcess(options: ProcessOptions): Process {
  // Nothing here waits, so that no other program starts meanwhile and inherits these handles.
  const stdin = createWriterPipe(true), stdout = createReaderPipe(true);
  const stderr = createReaderPipe(true);
  try {
    const started = startProgram(options, {
      stdin: stdin.theirs,
      stdout: stdout.theirs,
      stderr: stderr.theirs,
    });
    return new PipedProcess(started, stdin.ours, stdout.ours, stderr.ours);
  } catch (error) {
    for (const pipe of [stdin, stdout, stderr]) pipe.ours.close();
    throw error;
  } finally {
    for (const pipe of [stdin, stdout, stderr]) kernel32.CloseHandle(pipe.theirs);
  }
}

class PipedProcess implements Process {
  readonly pid: number;
  readonly stdout: PipeReader;
  readonly stderr: PipeReader;
  readonly #job: Job;
  readonly #stdin: PipeWriter;

  constructor(
    { job, pid }: StartedProgram,
    stdin: PipeWriter,
    stdout: PipeReader,
    stderr: PipeReader,
  ) {
    this.pid = pid;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#job = job;
    this.#stdin = stdin;
    // Nobody is left to read it.
    job.empty.then(() => stdin.close());
  }

  get exited(): Promise<ExitStatus> {
    return this.#job.exited;
  }

  get gone(): Promise<void> {
    return this.#job.empty;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#stdin.write(bytes);
  }

  endInput(): Promise<void> {
    return this.#stdin.end();
  }

  dropOutput(): void {
    this.signal("PIPE");
  }

  signal(name: string): void {
    this.#job.terminate(name);
  }

  async end(): Promise<void> {
    this.#job.terminate("KILL");
    await this.#job.empty;
    this.stdout.close();
    this.stderr.close();
  }
}
