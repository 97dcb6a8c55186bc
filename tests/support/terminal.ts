/** A person at a terminal: runs a program in one and waits for what it shows. */
import { spawn } from "@lydell/node-pty";
import { inTime } from "./deadline.ts";

type NodePty = ReturnType<typeof spawn>;

export interface TerminalOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** @default 80 */
  columns?: number;
  /** @default 24 */
  rows?: number;
}

/** A program in a terminal of its own; leaving its scope hangs up. */
export class Terminal implements AsyncDisposable {
  readonly #pty: NodePty;
  readonly #exited = Promise.withResolvers<number>();
  #output = "";
  /** How much of the output earlier waits have used up. */
  #seen = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(command: string, args: string[], options: TerminalOptions = {}) {
    this.#pty = spawn(command, args, {
      name: "xterm-256color",
      cols: options.columns ?? 80,
      rows: options.rows ?? 24,
      cwd: options.cwd,
      env: { ...Deno.env.toObject(), ...options.env },
    });
    this.#pty.onData((text) => {
      this.#output += text;
      this.#wake();
    });
    this.#pty.onExit(({ exitCode }) => {
      this.#ended = true;
      this.#exited.resolve(exitCode);
      this.#wake();
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** All that was shown. */
  get output(): string {
    return this.#output;
  }

  /** The exit status; resolves when the program has ended. */
  get exited(): Promise<number> {
    return this.#exited.promise;
  }

  /** Types. */
  write(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /**
   * Waits until something is shown behind what the last wait found.
   *
   * @throws {Error} with all that was shown if the program ends without it, or shows nothing more
   */
  async waitFor(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const changed = this.#changed.promise;
      const match = this.#output.slice(this.#seen).match(pattern);
      if (match) {
        this.#seen += match.index! + match[0].length;
        return match;
      }
      if (this.#ended) throw new Error(`ended without ${pattern}:\n${this.#output}`);
      await inTime(changed, () => `still no ${pattern}:\n${this.#output}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#pty.kill("SIGKILL");
    await this.exited;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
