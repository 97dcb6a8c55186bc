/** Runs real programs for tests and waits for what they print. */
import { basename, join } from "node:path";
import type { ProgramName } from "../../lib/dist/targets.ts";
import { v8Flags } from "../../lib/dist/v8_flags.ts";
import { inTime } from "./deadline.ts";
import { ROOT } from "./root.ts";

export interface ProgramOptions {
  cwd?: string;
  /** Added to the environment of the tests. */
  env?: Record<string, string>;
  /** What goes to stdin, which is then closed. @default nothing, at end of file */
  input?: string | Uint8Array;
  /** Leaves stdin open for {@link Program.write}. */
  interactive?: boolean;
}

/** How a program ended and all it printed. */
export interface ProgramResult {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
  /** stdout as it is. */
  bytes: Uint8Array;
}

/** A place in what a program prints. */
export type Printed = Record<"stdout" | "stderr", number>;

/** A running program; leaving its scope ends it. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #chunks: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  readonly #done: Promise<unknown>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  constructor(command: string, args: string[], options: ProgramOptions = {}) {
    this.#child = new Deno.Command(command, {
      args,
      cwd: options.cwd,
      // Deno itself looks for updates now and then, which a test of a proxy would see.
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#done = Promise.all([
      this.#collect("stdout"),
      this.#collect("stderr"),
      this.#child.status,
      options.interactive ? undefined : this.#feed(options.input),
    ]).finally(() => {
      this.#ended = true;
      this.#changed.resolve();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#text("stdout");
  }

  get stderr(): string {
    return this.#text("stderr");
  }

  /** How much it has printed so far, in characters. */
  get printed(): Printed {
    return { stdout: this.stdout.length, stderr: this.stderr.length };
  }

  /**
   * Waits until what was printed so far, on either stream, matches.
   *
   * @param after only what was printed behind this counts
   * @throws {Error} with all that it printed if the program ends without it, or says nothing more
   */
  async waitFor(
    pattern: RegExp,
    after: Printed = { stdout: 0, stderr: 0 },
  ): Promise<RegExpMatchArray> {
    for (;;) {
      const changed = this.#changed.promise;
      const match = this.stdout.slice(after.stdout).match(pattern) ??
        this.stderr.slice(after.stderr).match(pattern);
      if (match) return match;
      if (this.#ended) {
        throw new Error(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
      }
      await inTime(changed, () => `still no ${pattern}:\n${this.stdout}\n${this.stderr}`);
    }
  }

  async write(input: string | Uint8Array): Promise<void> {
    await this.#input.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
  }

  async closeInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  /** @returns whether it was still running */
  kill(signal: Deno.Signal = "SIGTERM"): boolean {
    try {
      this.#child.kill(signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves when it has ended and all that it printed has been read. */
  async result(): Promise<ProgramResult> {
    await this.#done;
    const { code, signal } = await this.#child.status;
    const bytes = concat(this.#chunks.stdout);
    return { code, signal, stdout: this.stdout, stderr: this.stderr, bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeInput();
    this.kill("SIGKILL");
    await this.#done;
  }

  async #feed(input: string | Uint8Array = ""): Promise<void> {
    try {
      if (input.length > 0) await this.write(input);
    } catch {
      // It does not read its input.
    }
    await this.closeInput();
  }

  async #collect(name: "stdout" | "stderr"): Promise<void> {
    for await (const chunk of this.#child[name]) {
      this.#chunks[name].push(chunk);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  #text(name: "stdout" | "stderr"): string {
    return new TextDecoder().decode(concat(this.#chunks[name]));
  }
}

/** A program of ours. A test whose program crashed fails, and shows what the program printed. */
class OwnProgram extends Program {
  #wasKilled = false;

  override kill(signal?: Deno.Signal): boolean {
    const isRunning = super.kill(signal);
    this.#wasKilled ||= isRunning;
    return isRunning;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const wasKilled = this.#wasKilled;
    const isRunning = this.kill("SIGKILL");
    await super[Symbol.asyncDispose]();
    const { code, signal, stderr } = await this.result();
    const hasDied = !isRunning && !wasKilled && signal !== null;
    if (!hasDied && !/^error: Uncaught/m.test(stderr)) return;
    // Not only in the error: the test's own one may hide that.
    console.error(`a program crashed, status ${code}, signal ${signal}:\n${stderr}`);
    throw new Error("a program crashed; its output is above");
  }
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: string[],
  options?: ProgramOptions,
): Promise<ProgramResult> {
  await using program = new Program(command, args, options);
  return await program.result();
}

/** The environment variable that names a directory of bundles, for wsproxy and tunnel on Node. */
export const NODE_BUNDLES_VARIABLE = "NODE_BUNDLES";

/**
 * Starts one of our own programs from its source.
 *
 * @param entry `agent.ts`, `server.ts`, `wsproxy.ts` or `tunnel.ts`
 */
export function startEntry(
  entry: string,
  args: string[],
  options?: ProgramOptions & { permissions?: string[] },
): Program {
  const bundles = Deno.env.get(NODE_BUNDLES_VARIABLE);
  if (bundles !== undefined && !/^(agent|server)/.test(entry)) {
    return new Program("node", [join(bundles, entry.replace(/ts$/, "js")), ...args], options);
  }
  const permissions = options?.permissions ?? ["-A"];
  const file = join(ROOT, entry);
  const flags = v8Flags(basename(entry, ".ts") as ProgramName, "run");
  return new OwnProgram(
    Deno.execPath(),
    ["run", "--no-check", "--no-prompt", ...flags, ...permissions, file, ...args],
    options,
  );
}

/** A directory that goes with its scope. */
export class TempDir implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "converge-test-" });

  /** Writes a file in it. @returns its path */
  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = join(this.path, name);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(path, bytes, { mode });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

function concat(chunks: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
