/** An agent in the tests' own process, whose time passes when a test says so. */
import { join } from "node:path";
import { JobAgent } from "../../lib/agent/agent.ts";
import { createLog } from "../../lib/log/log.ts";
import { makeRendezvousId } from "../../lib/protocol/names.ts";
import { generateHostKey } from "../../lib/ssh/keys/host_key.ts";
import { inTime } from "./deadline.ts";
import { FakeClock } from "./fake_clock.ts";
import { TempDir } from "./program.ts";
import type { Announced, World } from "./world.ts";

/** Leaving its scope ends it. */
export class ClockedAgent implements AsyncDisposable {
  readonly clock = new FakeClock(Date.now());
  readonly dir = new TempDir();
  readonly #stop = new AbortController();
  readonly #agent: JobAgent;
  readonly #announced = Promise.withResolvers<Announced>();
  #running: Promise<number> | undefined;
  #log = "";
  #changed = Promise.withResolvers<void>();

  constructor(world: World) {
    this.dir.write(".authorized_keys", world.publicKey);
    const { path } = this.dir;
    this.#agent = new JobAgent({
      server: new URL(world.url),
      options: {
        authorizedKeys: ".authorized_keys",
        expiry: 600_000,
        warningTime: 300_000,
        resumeTime: 300_000,
        json: true,
        logLevel: "info",
      },
      id: makeRendezvousId(),
      cwd: path,
      dir: path,
      env: Deno.env.toObject(),
      shell: { file: "/bin/bash", kind: "sh" },
      notices: [],
      envFiles: [],
      hostKeys: [generateHostKey()],
      keysFile: join(path, ".authorized_keys"),
      extraKeys: [],
      holdPath: join(path, ".hold"),
    }, {
      mode: "foreground",
      clock: this.clock,
      output: {
        log: createLog({ write: (line) => this.#wrote(line) }),
        print: (json) => this.#announced.resolve(JSON.parse(json)),
        follow: () => () => {},
        registered: () => {},
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
    });
  }

  /** Runs until people can log in. */
  async start(): Promise<Announced> {
    this.#running = this.#agent.run(this.#stop.signal);
    return await inTime(this.#announced.promise, () => `not registered:\n${this.#log}`);
  }

  /** All that it logged. */
  get log(): string {
    return this.#log;
  }

  async logged(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#log)) {
      await inTime(this.#changed.promise, () => `still no ${pattern}:\n${this.#log}`);
    }
  }

  /** Resolves to the exit status when it has ended. */
  get ended(): Promise<number | undefined> {
    return inTime(Promise.resolve(this.#running), () => `still running:\n${this.#log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort("SIGTERM");
    await this.#running;
    await this.#agent[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }

  #wrote(line: string): void {
    this.#log += line;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
