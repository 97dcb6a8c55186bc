import type { ExitStatus, Pty, PtyOptions, WindowSize } from "../process.ts";
import { allocate, kernel32, systemMessage } from "./api.ts";
import type { Job } from "./job.ts";
import { createReaderPipe, createWriterPipe, type PipeReader, type PipeWriter } from "./pipe.ts";
import { type StartedProgram, startProgram } from "./start.ts";

/** How long programs have to end after their console was closed, in milliseconds. */
const GRACE_MS = 1000;

const CTRL_C = new Uint8Array([3]);

/**
 * Starts a program on a pseudo console (ConPTY). That takes and gives UTF-8, whatever the code page
 * of the programs in it; terminal modes do not exist there.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnWindowsPty(options: PtyOptions): Pty {
  const input = createWriterPipe(false), output = createReaderPipe(false);
  let console: bigint | undefined;
  try {
    console = createPseudoConsole(options, input.theirs, output.theirs);
    // A program that was started to ignore Ctrl-C, as the first of a process group is, hands that
    // on to what it starts.
    kernel32.SetConsoleCtrlHandler(null, 0);
    const started = startProgram(options, { console });
    return new ConPty(started, console, input.ours, output.ours);
  } catch (error) {
    input.ours.close();
    output.ours.close();
    if (console !== undefined) closePseudoConsole(console);
    throw error;
  } finally {
    kernel32.CloseHandle(input.theirs);
    kernel32.CloseHandle(output.theirs);
  }
}

/** A COORD, which is passed as one word. Windows takes neither 0 nor more than 32767. */
function coordinates({ columns, rows }: WindowSize): number {
  const clamp = (value: number, fallback: number) => Math.min(value || fallback, 32_767);
  return clamp(columns, 80) | clamp(rows, 24) << 16;
}

function createPseudoConsole(size: WindowSize, input: bigint, output: bigint): bigint {
  const console = allocate(8);
  const result = kernel32.CreatePseudoConsole(coordinates(size), input, output, 0, console);
  if (result < 0) {
    throw new Error(`cannot make a pseudo console: ${systemMessage(result >>> 0)}`);
  }
  return console.getBigUint64(0, true);
}

let closing: Promise<void> = Promise.resolve();

/**
 * Tells the programs in it that their console is closed. Up to Windows 11 24H2 this blocks until
 * the last output was read, which takes a thread; so only one is closed at a time, or else no
 * thread is left to read with.
 */
function closePseudoConsole(console: bigint): Promise<void> {
  closing = closing.then(() => kernel32.ClosePseudoConsoleAsync(console));
  return closing;
}

class ConPty implements Pty {
  readonly pid: number;
  readonly stdout: PipeReader;
  readonly #job: Job;
  readonly #input: PipeWriter;
  readonly #console: bigint;
  #closed?: Promise<void>;

  constructor(
    { job, pid }: StartedProgram,
    console: bigint,
    input: PipeWriter,
    output: PipeReader,
  ) {
    this.pid = pid;
    this.stdout = output;
    this.#job = job;
    this.#console = console;
    this.#input = input;
    this.exited.then(() => {
      // What the program left running in its console would keep it open.
      job.terminate("HUP");
      output.readAhead();
      this.#close();
    });
  }

  get exited(): Promise<ExitStatus> {
    return this.#job.exited;
  }

  get gone(): Promise<void> {
    return this.#job.empty;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#input.write(bytes);
  }

  endInput(): Promise<void> {
    return Promise.resolve();
  }

  resize(size: WindowSize): void {
    // A size that is refused does no harm; Wine refuses each, as it has not implemented this.
    if (!this.#closed) kernel32.ResizePseudoConsole(this.#console, coordinates(size));
  }

  dropOutput(): void {
    this.signal("PIPE");
  }

  signal(name: string): void {
    if (name === "INT") this.write(CTRL_C);
    else if (["HUP", "KILL", "QUIT", "TERM"].includes(name)) this.#job.terminate(name);
  }

  async end(): Promise<void> {
    const output = this.stdout.discard();
    const closed = this.#close();
    const timer = setTimeout(() => this.#job.terminate("KILL"), GRACE_MS);
    await this.#job.empty;
    clearTimeout(timer);
    await closed;
    await output;
  }

  /** Closes the console; its output ends when all of it was read. */
  #close(): Promise<void> {
    this.#closed ??= closePseudoConsole(this.#console).then(() => this.#input.close());
    return this.#closed;
  }
}
