/**
 * Programs on Linux, with pipes or with a terminal, started through libc: no native addon, which
 * would need a directory for temporary files, and no shell in between.
 *
 * @module
 */
import { ProcessSession, sendSignal } from "../posix/session.ts";
import { signalName } from "../posix/signals.ts";
import { Silence } from "../posix/silence.ts";
import type {
  ByteSource,
  ExitStatus,
  Process,
  ProcessOptions,
  Pty,
  PtyOptions,
  WindowSize,
} from "../process.ts";
import { watchChild } from "./children.ts";
import { Descriptor, descriptorsIdle } from "./descriptor.ts";
import { F_SETFL, F_SETPIPE_SZ, libc, O_CLOEXEC, O_NONBLOCK } from "./libc.ts";
import { startLinuxProgram } from "./start.ts";
import { openTerminal, resizeTerminal } from "./terminal.ts";
import { descriptorSource, PIPE_BYTES, writeDescriptor } from "./transfer.ts";

/** A pipe whose `ours` does not block; both ends are closed in other programs. */
function openPipe(ours: "read" | "write"): { ours: number; theirs: number } {
  const ends = new Int32Array(2);
  if (libc.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) {
    throw new Error("cannot open a pipe: too many files are open");
  }
  const [read, write] = ends as unknown as [number, number];
  const pipe = ours === "read" ? { ours: read, theirs: write } : { ours: write, theirs: read };
  libc.fcntl(pipe.ours, F_SETFL, O_NONBLOCK);
  // Refused beyond a user's limit; then it holds 64 KiB.
  libc.fcntl(pipe.ours, F_SETPIPE_SZ, PIPE_BYTES);
  return pipe;
}

/**
 * Starts a program with pipes, in a session of its own.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnLinuxProcess(options: ProcessOptions): Process {
  const pipes: { ours: number; theirs: number }[] = [];
  try {
    for (const ours of ["write", "read", "read"] as const) pipes.push(openPipe(ours));
    const [stdin, stdout, stderr] = pipes.map(({ theirs }) => theirs) as [number, number, number];
    const child = watchChild(() => startLinuxProgram(options, [stdin, stdout, stderr]));
    return new PipedProcess(child, pipes.map(({ ours }) => ours) as [number, number, number]);
  } catch (error) {
    for (const { ours } of pipes) libc.close(ours);
    throw error;
  } finally {
    for (const { theirs } of pipes) libc.close(theirs);
  }
}

/** A child that was started. */
interface Child {
  pid: number;
  exited: Promise<ExitStatus>;
}

class PipedProcess implements Process {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  readonly stdout: ByteSource;
  readonly stderr: ByteSource;
  readonly #stdin: Descriptor;
  readonly #stdout: Descriptor;
  readonly #stderr: Descriptor;
  readonly #session: ProcessSession;

  constructor({ pid, exited }: Child, [stdin, stdout, stderr]: [number, number, number]) {
    this.pid = pid;
    this.exited = exited;
    this.#stdin = new Descriptor(stdin);
    this.#stdout = new Descriptor(stdout);
    this.#stderr = new Descriptor(stderr);
    this.stdout = descriptorSource(this.#stdout);
    this.stderr = descriptorSource(this.#stderr);
    this.#session = new ProcessSession(pid, exited);
    // Nobody is left to read it.
    this.#session.gone.then(() => this.#stdin.close());
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeDescriptor(this.#stdin, bytes);
  }

  endInput(): Promise<void> {
    this.#stdin.close();
    return Promise.resolve();
  }

  dropOutput(): void {
    this.#stdout.close();
  }

  signal(name: string): void {
    this.#session.signal(name);
  }

  get gone(): Promise<void> {
    return this.#session.gone;
  }

  async end(): Promise<void> {
    await this.#session.end();
    this.#stdin.close();
    // What escaped to a session of its own may hold the other ends.
    this.#stdout.close();
    this.#stderr.close();
    await descriptorsIdle();
  }
}

/**
 * Starts a program with a terminal, in a session of its own. If `env` has SSH_TTY, its value
 * becomes the terminal's name.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnLinuxPty(options: PtyOptions): Pty {
  const { master, path } = openTerminal(options, options.modes ?? {});
  try {
    const name = new TextDecoder().decode(path.subarray(0, path.indexOf(0)));
    const env = { ...options.env };
    if ("SSH_TTY" in env) env.SSH_TTY = name;
    return new LinuxPty(watchChild(() => startLinuxProgram({ ...options, env }, path)), master);
  } catch (error) {
    libc.close(master);
    throw error;
  }
}

class LinuxPty implements Pty {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  readonly stdout: ByteSource = { read: () => this.#read() };
  readonly #master: Descriptor;
  readonly #output: ByteSource;
  readonly #session: ProcessSession;
  #running = true;
  #reading = false;
  readonly #silence = new Silence(() => this.#finish());

  constructor({ pid, exited }: Child, master: number) {
    this.pid = pid;
    this.exited = exited;
    this.#master = new Descriptor(master);
    this.#output = descriptorSource(this.#master);
    this.#session = new ProcessSession(pid, exited);
    exited.then(() => {
      this.#running = false;
      this.#watchSilence();
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeDescriptor(this.#master, bytes);
  }

  endInput(): Promise<void> {
    return Promise.resolve();
  }

  resize(size: WindowSize): void {
    if (this.#running && this.#master.isOpen) resizeTerminal(this.#master.fd, size);
  }

  dropOutput(): void {
    this.signal("PIPE");
  }

  signal(name: string): void {
    const signal = signalName(name);
    if (!signal || !this.#running || !this.#master.isOpen) return;
    const group = libc.tcgetpgrp(this.#master.fd);
    if (group > 1) sendSignal(-group, signal);
  }

  get gone(): Promise<void> {
    return this.#session.gone;
  }

  async end(): Promise<void> {
    await this.#session.end();
    this.#finish();
    await descriptorsIdle();
  }

  async #read(): Promise<Uint8Array | null> {
    this.#reading = true;
    this.#watchSilence();
    try {
      return await this.#output.read();
    } finally {
      this.#reading = false;
      this.#silence.stop();
    }
  }

  /**
   * A job in the background can hold the terminal open after the program's end: then it is at its
   * end when a reader waits and nothing comes.
   */
  #watchSilence(): void {
    if (this.#running || !this.#reading) this.#silence.stop();
    else this.#silence.restart();
  }

  #finish(): void {
    this.#running = false;
    this.#silence.stop();
    this.#master.close();
  }
}
