/** The directory in Redis or Valkey. Loaded only by nodes of a cluster. */
import { createHash } from "node:crypto";
import { createClient } from "@redis/client";
import { errorMessage } from "../../text/error_message.ts";
import type {
  AgentDirectory,
  Beat,
  ClaimAnswer,
  ClaimQuestion,
  ClusterNode,
  ClusterTiming,
  Held,
  Place,
  RenewAnswer,
} from "./directory.ts";
import { directoryScripts, type ScriptName } from "./scripts.ts";

/** How long it waits between two tries to connect, at most, in milliseconds. */
const RECONNECT_MS = 500;
/** How many agents one script is given: it runs for a few milliseconds. */
const BATCH = 500;
/** How many questions may be on their way; more fail at once. */
const MAX_QUESTIONS = 20_000;

const PREFIX = "converge:";
const COMMON_KEYS = ["state", "nodes", "expected", "checked"].map((name) => PREFIX + name);

export interface RedisDirectoryOptions {
  /** `redis:` or `rediss:`; may have a user, a password and the number of a database. */
  url: URL;
  password?: string;
  node: ClusterNode;
  timing: ClusterTiming;
  /** Called at each connection, and when it is lost. */
  onState(connected: boolean, reason?: string): void;
  /** See `directoryScripts()`; for tests. */
  clock?: string;
}

interface Script {
  text: string;
  hash: string;
}

function toBatches<T>(all: T[]): T[][] {
  const starts = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) => i * BATCH);
  return starts.map((start) => all.slice(start, start + BATCH));
}

/** See {@link AgentDirectory}; scripts.ts has the rules. */
export class RedisDirectory implements AgentDirectory, Disposable {
  readonly #options: RedisDirectoryOptions;
  readonly #client: ReturnType<typeof createClient>;
  readonly #scripts: Record<ScriptName, Script>;
  /** Which run of Redis it is connected to; undefined: to none. */
  #run: string | undefined;
  #ended = false;
  /** Whether it has said before that it is there. */
  #known = false;

  constructor(options: RedisDirectoryOptions) {
    this.#options = options;
    this.#scripts = Object.fromEntries(
      Object.entries(directoryScripts(options.clock)).map(([name, text]) => [
        name,
        { text, hash: createHash("sha1").update(text).digest("hex") },
      ]),
    ) as Record<ScriptName, Script>;
    const { url, password, timing: { askMs } } = options;
    this.#client = createClient({
      url: url.href,
      ...password === undefined ? {} : { password },
      // A question that cannot be asked now fails now.
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_QUESTIONS,
      socket: {
        connectTimeout: askMs,
        // With the pings, this finds a Redis that hangs and a connection lost without a sign.
        socketTimeout: 3 * askMs,
        reconnectStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), RECONNECT_MS),
      },
      pingInterval: askMs,
    });
    this.#client.on("error", (error) => this.#lost(errorMessage(error)));
    this.#client.on("ready", () => void this.#connected());
    // It tries again by itself, until it is destroyed.
    this.#client.connect().catch(() => {});
  }

  get connected(): boolean {
    return this.#run !== undefined;
  }

  async claim(question: ClaimQuestion): Promise<ClaimAnswer> {
    const { id, secret, shown, reserved, holding } = question;
    const args = [secret, shown, reserved ? "1" : "0", holding ? "1" : "0"];
    const [type, epoch, owner, former] = await this.#ask("claim", [id], args) as string[];
    if (type !== "granted") return { type: type as "taken" | "unsettled" };
    return { type, epoch: Number(epoch), owner: owner === "1", former: former || undefined };
  }

  async renew(held: Held[]): Promise<RenewAnswer[]> {
    const answers: RenewAnswer[] = [];
    for (const batch of toBatches(held)) {
      const args = batch.flatMap(({ epoch, secret, shown }) => [`${epoch}`, secret, shown]);
      const told = await this.#ask("renew", batch.map(({ id }) => id), args) as string[];
      for (const answer of told) {
        const contestedAt = Number(answer) || undefined;
        answers.push(answer === "-" ? { type: "lost" } : { type: "held", contestedAt });
      }
    }
    return answers;
  }

  async release(id: string, epoch: number, keepMs: number): Promise<void> {
    await this.#ask("release", [id], [`${epoch}`, `${keepMs}`]);
  }

  async forget(id: string, epoch: number): Promise<void> {
    await this.#ask("forget", [id], [`${epoch}`]);
  }

  async find(ids: string[]): Promise<(Place | undefined | "unsettled")[]> {
    const places: (Place | undefined | "unsettled")[] = [];
    for (const batch of toBatches(ids)) {
      for (const place of await this.#ask("find", batch, []) as string[]) {
        if (place === "?") places.push("unsettled");
        else if (place === "") places.push(undefined);
        else places.push({ url: place.slice(1), alive: place.startsWith("+") });
      }
    }
    return places;
  }

  async beat(known: string[], rebuilt: number): Promise<Beat> {
    const args = [`${rebuilt}`, this.#known ? "1" : "0", ...known];
    const [now, since, replaced, ...all] = await this.#ask("beat", [], args) as string[];
    this.#known = true;
    const left = all.filter((url) => url.startsWith("-")).map((url) => url.slice(1));
    const nodes = all.filter((url) => !url.startsWith("-"));
    return { now: Number(now), since: Number(since), nodes, left, replaced: replaced === "1" };
  }

  async leave(): Promise<void> {
    await this.#ask("leave", [], []);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#run = undefined;
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #connected(): Promise<void> {
    try {
      const info = await this.command(["INFO", "server"]) as string;
      this.#run = /^run_id:(\S+)/m.exec(info)?.[1] ?? "";
      this.#options.onState(true);
    } catch (error) {
      this.#lost(errorMessage(error));
    }
  }

  #lost(reason: string): void {
    this.#run = undefined;
    if (!this.#ended) this.#options.onState(false, reason);
  }

  async #ask(name: ScriptName, ids: string[], args: string[]): Promise<unknown> {
    const { node: { url, instance }, timing: { leaseMs, holdMs, settleMs } } = this.#options;
    if (this.#run === undefined) throw new Error("the directory is not connected");
    const keys = [...COMMON_KEYS, ...ids.map((id) => `${PREFIX}agent:${id}`)];
    const settings = [`${leaseMs}`, `${holdMs}`, `${settleMs}`, this.#run, url, instance];
    const rest = [`${keys.length}`, ...keys, ...settings, ...args];
    const { text, hash } = this.#scripts[name];
    try {
      return await this.command(["EVALSHA", hash, ...rest]);
    } catch (error) {
      if (!errorMessage(error).startsWith("NOSCRIPT")) throw error;
      return await this.command(["EVAL", text, ...rest]);
    }
  }

  /**
   * Asks Redis itself.
   *
   * @throws {Error} also if there is no answer in time
   */
  async command(command: string[]): Promise<unknown> {
    const { askMs } = this.#options.timing;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("no answer in time")), askMs);
    try {
      return await Promise.race([this.#client.sendCommand(command), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
