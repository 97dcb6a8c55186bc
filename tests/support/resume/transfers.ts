/** Files that go to the job and back, slowly enough for something to happen meanwhile. */
import { join } from "node:path";
import { assertSameFile, randomBytes, succeed } from "../clients.ts";
import { eventually } from "../deadline.ts";
import type { TempDir } from "../program.ts";

export interface TransferOptions {
  /** A config file in which `job` is the agent. */
  config: string;
  local: TempDir;
  /** In the job, on the same machine. */
  remote: TempDir;
  /** In bytes. */
  size: number;
  /** Bytes a second at most. @default no limit */
  rate?: number;
}

/** Makes a file of random bytes without holding all of them. */
export async function randomFile(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const chunk = 2 ** 24;
  for (let at = 0; at < size; at += chunk) {
    const bytes = randomBytes(Math.min(chunk, size - at));
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  }
}

/** A file by sftp, `put` to the job or `get` from it. */
export class SftpTransfer {
  readonly #source: string;
  readonly #target: string;
  readonly #size: number;
  /** Resolves when it is there, and the same. */
  readonly done: Promise<void>;

  constructor(direction: "put" | "get", options: TransferOptions) {
    const { local, remote, size } = options;
    const name = crypto.randomUUID();
    const [from, to] = direction === "put" ? [local, remote] : [remote, local];
    this.#source = join(from.path, `${name}-source`);
    this.#target = join(to.path, name);
    this.#size = size;
    this.done = this.#run(direction, options);
    this.done.catch(() => {});
  }

  async #run(
    direction: "put" | "get",
    { config, size, rate }: TransferOptions,
  ): Promise<void> {
    await randomFile(this.#source, size);
    // sftp counts in kilobits.
    const limit = rate === undefined ? [] : ["-l", String(Math.ceil(rate * 8 / 1024))];
    await succeed("sftp", [...limit, "-F", config, "-b", "-", "job"], {
      input: `${direction} ${this.#source} ${this.#target}\n`,
    });
    await assertSameFile(this.#target, this.#source);
  }

  /** Waits until a part of it has arrived, from 0 to 1. @returns whether it goes on then */
  async arrived(part: number): Promise<boolean> {
    let now = 0;
    return await Promise.race([
      this.done.then(() => false),
      eventually(() => {
        try {
          now = Deno.statSync(this.#target).size;
        } catch {
          // It is not there yet.
        }
        return now >= part * this.#size;
      }, () => `only ${now} bytes of ${this.#size} arrived`),
    ]);
  }
}

/**
 * Waits until a part of each transfer has arrived, from 0 to 1.
 *
 * @returns whether any goes on then: on a busy machine all may be over
 */
export async function allArrived(transfers: SftpTransfer[], part: number): Promise<boolean> {
  const go = await Promise.all(transfers.map((each) => each.arrived(part)));
  return go.includes(true);
}

/** A directory by rsync, to the job and back, which are two connections. */
export class RsyncTransfer {
  readonly #options: TransferOptions;
  readonly #source: string;
  readonly #there: string;
  /** Resolves when it is in the job. */
  readonly done: Promise<void>;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#source = join(options.local.path, "rsync-source");
    this.#there = join(options.remote.path, "rsynced");
    this.done = this.#send();
    this.done.catch(() => {});
  }

  async #send(): Promise<void> {
    await Deno.mkdir(this.#source);
    for (const part of [1, 2, 3, 4]) {
      await randomFile(join(this.#source, `part-${part}`), Math.ceil(this.#options.size / 4));
    }
    await this.#copy(`${this.#source}/`, `job:${this.#there}/`);
  }

  /** Fetches it, and checks that it is the same. */
  async fetch(): Promise<void> {
    const back = join(this.#options.local.path, "rsynced-back");
    await this.#copy(`job:${this.#there}/`, `${back}/`);
    await succeed("diff", ["-r", this.#source, back]);
  }

  async #copy(from: string, to: string): Promise<void> {
    const { rate, config } = this.#options;
    const limit = rate === undefined ? [] : [`--bwlimit=${Math.ceil(rate / 1024)}`];
    await succeed("rsync", ["-a", ...limit, "-e", `ssh -F ${config}`, from, to]);
  }
}
