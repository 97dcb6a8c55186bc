/** How soon the programs that were built are ready, on this machine. */
import { join } from "node:path";

/** Medians, in milliseconds. */
export interface StartTimes {
  /** From the start of the agent until it is registered. */
  registered: number;
  /** From the start of wsproxy until the first byte of the agent comes out of it. */
  firstByte: number;
}

export interface StartTimesOptions {
  /** How often each program is started. @default 5 */
  rounds?: number;
  signal?: AbortSignal;
}

/** How long all of it may take, in milliseconds; seconds suffice where nothing hangs. */
const LIMIT_MS = 300_000;

/** A program that runs until it leaves its scope. */
class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  /** @param output the stream that is looked at */
  constructor(
    file: string,
    args: string[],
    readonly output: "stdout" | "stderr",
    cwd: string,
    signal: AbortSignal,
  ) {
    // Neither what this machine sets for Converge nor a proxy has a part in it.
    const env = Object.entries(Deno.env.toObject())
      .filter(([name]) => !/^CONVERGE_|_PROXY$/i.test(name));
    this.#child = new Deno.Command(file, {
      ...{ args, cwd, signal, clearEnv: true, env: Object.fromEntries(env) },
      ...{ stdin: "piped", stdout: "null", stderr: "null", [output]: "piped" },
    }).spawn();
  }

  /**
   * Waits for what it prints first of all that matches.
   *
   * @throws {Error} if it ends without
   */
  async prints(pattern: RegExp): Promise<RegExpMatchArray> {
    let text = "";
    for await (const chunk of this.#child[this.output].values({ preventCancel: true })) {
      text += new TextDecoder().decode(chunk);
      const match = text.match(pattern);
      if (match !== null) return match;
    }
    throw new Error(`it ended without ${pattern}: ${text.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child[this.output].cancel();
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/**
 * Measures `agent` and `wsproxy`, with a server of their own on this machine.
 *
 * @param root the project's directory, for the server
 * @param dir where the programs are
 * @throws {Error} if one of them does not do what it should, or hangs
 */
export async function measureStarts(
  root: string,
  dir: string,
  options: StartTimesOptions = {},
): Promise<StartTimes> {
  const { rounds = 5 } = options;
  const limit = AbortSignal.timeout(LIMIT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const cwd = await Deno.makeTempDir();
  try {
    const listen = ["--host", "127.0.0.1", "--port", "0", "--log-format", "json"];
    const serve = ["run", "-A", "--quiet", "--no-check", join(root, "server.ts"), ...listen];
    await using server = new Running(Deno.execPath(), serve, "stderr", cwd, signal);
    const [, port] = await server.prints(/"event":"listening".*"port":(\d+)/);
    const url = `ws://127.0.0.1:${port}`;
    const registered: number[] = [];
    const firstByte: number[] = [];
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      const id = `start-${round}`;
      const start = performance.now();
      const job = ["--json", "--id", id, url];
      await using agent = new Running(join(dir, "agent"), job, "stdout", cwd, signal);
      await agent.prints(/\n/);
      registered.push(performance.now() - start);
      const started = performance.now();
      const client = [`${url}/client/${id}`];
      await using wsproxy = new Running(join(dir, "wsproxy"), client, "stdout", cwd, signal);
      await wsproxy.prints(/^./);
      firstByte.push(performance.now() - started);
    }
    return { registered: median(registered), firstByte: median(firstByte) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}
