import { byteSource, type ClosableSource } from "../byte_source.ts";
import { ProcessSession } from "./session.ts";
import type { ExitStatus, Process, ProcessOptions } from "../process.ts";

/**
 * Starts a program with pipes, in a session of its own.
 *
 * @throws {Error} if it cannot be started
 */
export function spawnPosixProcess(options: ProcessOptions): Process {
  const { file, args, cwd, env } = options;
  const child = new Deno.Command(file, {
    args,
    cwd,
    env,
    clearEnv: true,
    // setsid(2): endSession() finds what it starts by that.
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new PipedProcess(child);
}

/** How the program ended, in SSH's words. */
function exitStatus({ code, signal }: { code: number; signal: string | null }): ExitStatus {
  return signal ? { signal: signal.replace(/^SIG/, ""), coreDumped: false } : { code };
}

class PipedProcess implements Process {
  readonly pid: number;
  readonly stdout: ClosableSource;
  readonly stderr: ClosableSource;
  readonly exited: Promise<ExitStatus>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #session: ProcessSession;

  constructor(child: Deno.ChildProcess) {
    this.pid = child.pid;
    this.#stdin = child.stdin.getWriter();
    this.stdout = byteSource(child.stdout);
    this.stderr = byteSource(child.stderr);
    this.exited = child.status.then(exitStatus);
    this.#session = new ProcessSession(this.pid, this.exited);
    // A pipe that breaks while nobody writes is no news.
    this.#stdin.closed.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#stdin.write(bytes as Uint8Array<ArrayBuffer>);
    } catch {
      // It reads no more.
    }
  }

  async endInput(): Promise<void> {
    try {
      await this.#stdin.close();
    } catch {
      // It is closed already.
    }
  }

  dropOutput(): void {
    this.stdout.close();
  }

  signal(name: string): void {
    this.#session.signal(name);
  }

  get gone(): Promise<void> {
    return this.#session.gone;
  }

  async end(): Promise<void> {
    await this.#session.end();
    this.#stdin.abort().catch(() => {});
    // What escaped to a session of its own may hold the other ends.
    this.stdout.close();
    this.stderr.close();
  }
}
