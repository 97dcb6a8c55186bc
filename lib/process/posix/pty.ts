import { Buffer } from "node:buffer";
import { type IPty, spawn } from "@lydell/node-pty";
import { ProcessSession } from "./session.ts";
import { SIGNAL_NAMES, signalName } from "./signals.ts";
import { Silence } from "./silence.ts";
import type { ByteSource, ExitStatus, Pty, PtyOptions, WindowSize } from "../process.ts";
import { sttySettings } from "../terminal_modes.ts";

/** Output that is kept before the program has to wait, in bytes. */
const HIGH_WATER = 256 * 1024;

/**
 * How long a write may wait before the terminal is looked at again, at first and at most, in
 * milliseconds.
 */
const POKE_MS = 10;
const MAX_POKE_MS = 200;

/** The mode by which a terminal erases whole characters of UTF-8 (RFC 8160). */
const UTF8_INPUT = 42;

/** node-pty's terminal with the parts that it keeps to itself. */
interface UnixTerminal extends IPty {
  _emittedClose: boolean;
  _socket: {
    write(bytes: Buffer, done: () => void): void;
    pause(): void;
    resume(): void;
    destroy(): void;
    on(event: "data", listener: (bytes: Uint8Array) => void): void;
    on(event: "close" | "end" | "error", listener: () => void): void;
  };
}

/**
 * Starts a program with a terminal, in a session of its own. If `env` has SSH_TTY, its value
 * becomes the terminal's name.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnPosixPty(options: PtyOptions): Pty {
  const { file, args, cwd, env, columns, rows, modes } = options;
  // The modes have to be set before the program looks at them.
  const settings = [["sane"], ...sttySettings({ [UTF8_INPUT]: 1, ...modes })];
  const tty = "SSH_TTY" in env ? "SSH_TTY=$(tty)" : ":";
  const script = `${sttyScript(settings)}\n${tty}\nexec "$@"`;
  const terminal = spawn("/bin/sh", ["-c", script, "sh", file, ...args], {
    cwd,
    env,
    name: env.TERM ?? "dumb",
    cols: clamp(columns, 80),
    rows: clamp(rows, 24),
    encoding: null,
  });
  return new PosixPty(terminal as UnixTerminal);
}

/** All settings at once; one by one if stty does not know some of them. */
function sttyScript(settings: string[][]): string {
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const groups = settings.map((words) => words.map(quote).join(" "));
  const single = groups.map((words) => `stty ${words}`).join("; ");
  return `{ stty ${groups.join(" ")} || { ${single}; }; } 2>/dev/null`;
}

function clamp(size: number, fallback: number): number {
  return size > 0 ? Math.min(Math.floor(size), 65535) : fallback;
}

class PosixPty implements Pty {
  readonly pid: number;
  readonly stdout: ByteSource = { read: () => this.#read() };
  readonly exited: Promise<ExitStatus>;
  readonly #terminal: UnixTerminal;
  readonly #session: ProcessSession;
  #running = true;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #wake?: () => void;
  readonly #silence = new Silence(() => this.#finish());
  #poking?: ReturnType<typeof setTimeout>;
  /** Ends a write that waits. */
  #written?: () => void;

  constructor(terminal: UnixTerminal) {
    this.#terminal = terminal;
    this.pid = terminal.pid;
    const { _socket: socket } = terminal;
    socket.on("data", (bytes) => this.#receive(bytes));
    // Linux reports the end of a terminal as an error.
    for (const event of ["end", "close", "error"] as const) socket.on(event, () => this.#finish());
    // node-pty would destroy its socket 200 ms after the program's end, and with it the output that
    // a slow reader has not taken yet. With this it leaves the socket to us.
    terminal._emittedClose = true;
    this.exited = new Promise((resolve) => {
      terminal.onExit(({ exitCode, signal }) => {
        this.#running = false;
        this.#watchSilence();
        const name = signal ? SIGNAL_NAMES[signal] : undefined;
        resolve(
          name ? { signal: name, coreDumped: false } : { code: signal ? 128 + signal : exitCode },
        );
      });
    });
    this.#session = new ProcessSession(this.pid, this.exited);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return new Promise((resolve) => {
      this.#written = () => {
        this.#written = undefined;
        clearTimeout(this.#poking);
        resolve();
      };
      this.#poke(POKE_MS);
      this.#terminal._socket.write(buffer, this.#written);
    });
  }

  /**
   * Deno 2.9 does not notice that a terminal takes input again after it was full, unless there is
   * also output, or reading starts again.
   */
  #poke(pause: number): void {
    this.#poking = setTimeout(() => {
      const { _socket: socket } = this.#terminal;
      socket.pause();
      socket.resume();
      if (this.#size > HIGH_WATER) socket.pause();
      if (this.#written) this.#poke(Math.min(pause * 1.2, MAX_POKE_MS));
    }, pause);
  }

  endInput(): Promise<void> {
    return Promise.resolve();
  }

  resize({ columns, rows }: WindowSize): void {
    if (!this.#running || this.#ended) return;
    try {
      this.#terminal.resize(clamp(columns, 80), clamp(rows, 24));
    } catch {
      // The terminal has just gone.
    }
  }

  dropOutput(): void {
    this.signal("PIPE");
  }

  signal(name: string): void {
    const signal = signalName(name);
    if (signal && this.#running) this.#session.signalForeground(signal);
  }

  get gone(): Promise<void> {
    return this.#session.gone;
  }

  async end(): Promise<void> {
    await this.#session.end();
    this.#finish();
  }

  #receive(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    if (this.#size > HIGH_WATER) this.#terminal._socket.pause();
    this.#watchSilence();
    this.#wake?.();
  }

  async #read(): Promise<Uint8Array | null> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    if (!this.#ended) {
      this.#terminal._socket.resume();
      this.#watchSilence();
    }
    return bytes;
  }

  /**
   * A job in the background can hold the terminal open after the program's end: then silence is its
   * end.
   */
  #watchSilence(): void {
    if (this.#running || this.#ended || this.#size > HIGH_WATER) this.#silence.stop();
    else this.#silence.restart();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#silence.stop();
    this.#written?.();
    this.#terminal._socket.destroy();
    this.#wake?.();
  }
}
