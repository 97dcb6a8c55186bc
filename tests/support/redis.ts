/** A Redis of a test's own. */
import { Program, TempDir } from "./program.ts";

/** A port that is free now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Keeps nothing on disk; leaving its scope ends it. */
export class TestRedis implements AsyncDisposable {
  readonly port = freePort();
  readonly #dir = new TempDir();
  readonly #args: string[];
  #program: Program | undefined;

  private constructor(args: string[]) {
    this.#args = args;
  }

  /** @param args more of its options */
  static async start(args: string[] = []): Promise<TestRedis> {
    const redis = new TestRedis(args);
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, empty, at the same port. */
  async restart(): Promise<void> {
    await this.stop();
    this.#program = new Program("redis-server", [
      ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#dir.path],
      ...["--save", "", "--appendonly", "no", ...this.#args],
    ]);
    await this.#program.waitFor(/Ready to accept connections/);
  }

  /** Ends it without warning. */
  async stop(): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    this.#program = undefined;
  }

  /** Stops and continues it: connections stay, and nothing is answered. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#program!.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program?.kill("SIGCONT");
    await this.stop();
    await this.#dir[Symbol.asyncDispose]();
  }
}
