/** What a node does every few seconds, see {@link Heartbeat}. */
import type { AgentDirectory, Beat, ClusterTiming } from "./directory.ts";
import type { Leases } from "./leases.ts";

/** Says that this node is there, renews what it holds, and learns which other nodes there are. */
export class Heartbeat {
  readonly #directory: AgentDirectory;
  readonly #leases: Leases;
  readonly #holdMs: number;
  readonly #steady: () => number;
  /** When each node was last said to be there: the directory may forget it, this does not. */
  readonly #seen = new Map<string, number>();
  #last: Beat | undefined;
  /** For which state of the directory all is written down. */
  #rebuilt = 0;

  /** @param steady see `Clocks` */
  constructor(
    directory: AgentDirectory,
    leases: Leases,
    { holdMs }: Pick<ClusterTiming, "holdMs">,
    steady: () => number = () => performance.now(),
  ) {
    this.#directory = directory;
    this.#leases = leases;
    this.#holdMs = holdMs;
    this.#steady = steady;
  }

  /** What the directory said last. */
  get last(): Beat | undefined {
    return this.#last;
  }

  /**
   * To be called every `renewMs`, and at each connection to the directory. One at a time.
   *
   * @throws {Error} if the directory is away
   */
  async run(): Promise<void> {
    await this.#beat();
    if (this.#last!.replaced) return;
    const { since } = this.#last!;
    await this.#leases.renew();
    if (this.#rebuilt === since) return;
    this.#rebuilt = since;
    await this.#beat();
  }

  async #beat(): Promise<void> {
    const now = this.#steady();
    for (const [url, seen] of this.#seen) if (now - seen > this.#holdMs) this.#seen.delete(url);
    const beat = await this.#directory.beat([...this.#seen.keys()], this.#rebuilt);
    for (const url of beat.nodes) this.#seen.set(url, now);
    for (const url of beat.left) this.#seen.delete(url);
    this.#last = beat;
  }
}
