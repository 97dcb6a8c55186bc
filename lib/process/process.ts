/**
 * What a session runs: a program with a terminal or with pipes. linux/, posix/ (macOS) and windows/
 * implement it beside each other, spawn.ts chooses.
 *
 * @module
 */

/** How a program ended. */
export type ExitStatus =
  | { code: number }
  /** The name as SSH has it (RFC 4254, section 6.10): without "SIG". */
  | { signal: string; coreDumped: boolean };

/** A terminal's size in characters. */
export interface WindowSize {
  columns: number;
  rows: number;
}

/** What to start. */
export interface ProcessOptions {
  /** The program, a path or a name to look up in `env.PATH`. */
  file: string;
  /** Its arguments, without the program's own name. */
  args: string[];
  cwd: string;
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
}

/** What to start with a terminal. */
export interface PtyOptions extends ProcessOptions, WindowSize {
  /** Encoded terminal modes as in RFC 4254, section 8, by opcode. */
  modes?: Record<number, number>;
}

/** One direction of bytes. */
export interface ByteSource {
  /** The next bytes, at least one, good until the next call; or null at end of file. */
  read(): Promise<Uint8Array | null>;
}

/** A running program, started in a process group or job object of its own. */
export interface Process {
  readonly pid: number;
  /** What it prints; with a terminal stderr is in it too. Not reading holds the program up. */
  readonly stdout: ByteSource;
  /** Missing with a terminal. */
  readonly stderr?: ByteSource;
  /** Sends input; resolves when it is taken. Input to a program that reads no more is dropped. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends its input; with a terminal, nothing: an end of file is typed there. */
  endInput(): Promise<void>;
  /** Nobody takes its output any more: what it goes on to write there fails. */
  dropOutput(): void;
  /** Sends a signal by its SSH name (`INT`, `TERM`, …) to the foreground process group. */
  signal(name: string): void;
  /** Ends it and all that it started, with a short grace; resolves when they are gone. */
  end(): Promise<void>;
  /**
   * Resolves when the program itself has ended; there may be output left to read. Never rejects.
   */
  readonly exited: Promise<ExitStatus>;
  /** Resolves when nothing of it is left to end; not before `end()` if it left something behind. */
  readonly gone: Promise<void>;
}

/** A running program with a terminal. */
export interface Pty extends Process {
  /** Never throws: a resize that fails must not hurt. */
  resize(size: WindowSize): void;
}
