/**
 * Which IDs this node answers for. It has no timers; {@link Leases.renew} is called from outside.
 *
 * - An ID is this node's from the directory's grant on, for `answerMs` after the last renewal that
 *   the directory has confirmed, counted from when it was asked for.
 * - Time is measured twice, by a clock that only runs forward and by the one on the wall, and the
 *   longer one counts: the first may stand still while a machine sleeps, the second may jump.
 * - When the directory says that an ID is elsewhere, it is dropped at once.
 *
 * @module
 */
import type { AgentDirectory, ClusterTiming, Held, SecretHashes } from "./directory.ts";

/** Two clocks, in milliseconds. */
export interface Clocks {
  /** Only runs forward, from any start. */
  steady: () => number;
  /** Unix time. */
  wall: () => number;
}

export interface LeasesOptions {
  directory: AgentDirectory;
  timing: ClusterTiming;
  /** @default performance.now and Date.now */
  clocks?: Clocks;
  /** The ID is another agent's, or this one's on another node: nothing here may answer for it. */
  onLost(id: string): void;
  /** Another agent has asked for the ID, at this Unix time in milliseconds. */
  onContested?(id: string, at: number): void;
}

/** `local`: the directory cannot be asked, and the ID stays or becomes this node's without it. */
export type ClaimResult =
  | { type: "granted"; owner: boolean; former?: string }
  | { type: "local" }
  | { type: "taken" }
  | { type: "unsettled" }
  | { type: "away" };

export interface Wanted extends SecretHashes {
  id: string;
  /** Whether a server made the ID, so that no newcomer can have it. */
  reserved: boolean;
  /** Whether the agent has shown the secret of the registration that this node has. */
  owner: boolean;
}

interface Lease extends Held {
  /** When the last confirmed renewal was asked for; undefined: the directory knows nothing yet. */
  at?: { steady: number; wall: number };
}

/** See the module's description. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #clocks: Clocks;
  readonly #held = new Map<string, Lease>();
  /** What was given up while the directory was away. */
  readonly #released = new Map<string, { epoch: number; keepMs: number }>();
  /** What is dropped, and the directory does not know it yet: the epochs of the claims. */
  readonly #forgotten = new Map<string, number>();
  /** IDs that are being claimed. */
  readonly #busy = new Set<string>();

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#clocks = options.clocks ?? { steady: () => performance.now(), wall: Date.now };
  }

  get size(): number {
    return this.#held.size;
  }

  /** Whether this node may answer for an ID now. */
  answers(id: string): boolean {
    const lease = this.#held.get(id);
    return lease !== undefined && this.#isValid(lease);
  }

  /** Claims an ID for an agent. */
  async claim(wanted: Wanted): Promise<ClaimResult> {
    const { id, secret, shown, reserved, owner } = wanted;
    // Two at a time could not tell whose answer is the newer one.
    if (this.#busy.has(id)) return { type: "unsettled" };
    this.#busy.add(id);
    try {
      const at = this.#now();
      const before = this.#held.get(id);
      const holding = before !== undefined;
      const answer = await this.#options.directory.claim({ id, secret, shown, reserved, holding });
      if (answer.type !== "granted") {
        // It has just been restarted, and does not know yet what this node holds.
        const isOurs = answer.type === "unsettled" && owner && this.answers(id);
        return isOurs ? this.#keep(id, { secret, shown }) : answer;
      }
      const { epoch, owner: isOwner, former } = answer;
      this.#released.delete(id);
      this.#forgotten.delete(id);
      this.#held.set(id, { id, epoch, secret, shown, at });
      return { type: "granted", owner: isOwner, former };
    } catch {
      if (owner && this.answers(id)) return this.#keep(id, { secret, shown });
      if (!reserved || shown !== "" || this.#held.has(id)) return { type: "away" };
      this.#held.set(id, { id, epoch: 0, secret, shown });
      return { type: "local" };
    } finally {
      this.#busy.delete(id);
    }
  }

  /** The agent has a new secret; the directory learns it at the next renewal. */
  #keep(id: string, hashes: SecretHashes): ClaimResult {
    Object.assign(this.#held.get(id)!, hashes);
    return { type: "local" };
  }

  /**
   * Gives up an ID.
   *
   * @param keepMs for how long only the agent itself may have it, in milliseconds
   */
  async release(id: string, keepMs: number): Promise<void> {
    const lease = this.#held.get(id);
    if (lease === undefined) return;
    this.#held.delete(id);
    if (lease.at === undefined) return;
    this.#released.set(id, { epoch: lease.epoch, keepMs });
    await this.#sayReleased(id).catch(() => {});
  }

  /** Asks whether an ID is still this node's, because another node says that it is not. */
  async check(id: string): Promise<void> {
    const lease = this.#held.get(id);
    if (lease?.at !== undefined && this.#isValid(lease)) await this.#renewAll([lease]);
    if (this.#forgotten.has(id)) await this.#sayForgotten(id);
  }

  /** Renews everything, and says what could not be said before. @throws if the directory is away */
  async renew(): Promise<void> {
    for (const id of [...this.#released.keys()]) await this.#sayReleased(id);
    const [valid, invalid] = [[] as Lease[], [] as Lease[]];
    for (const lease of this.#held.values()) {
      (lease.at !== undefined && this.#isValid(lease) ? valid : invalid).push(lease);
    }
    await this.#renewAll(valid);
    for (const lease of invalid) await this.#claimAgain(lease);
    for (const id of [...this.#forgotten.keys()]) await this.#sayForgotten(id);
  }

  async #renewAll(leases: Lease[]): Promise<void> {
    const at = this.#now();
    // They may change while the directory is asked.
    const asked = leases.map((lease) => ({ ...lease }));
    const answers = await this.#options.directory.renew(asked);
    asked.forEach(({ id, epoch }, i) => {
      const lease = this.#held.get(id);
      const answer = answers[i];
      if (answer === undefined || lease?.epoch !== epoch || lease.at === undefined) return;
      if (answer.type === "lost") {
        if (!this.#busy.has(id)) this.#drop(lease);
        return;
      }
      lease.at = at;
      const { contestedAt } = answer;
      if (contestedAt !== undefined) this.#options.onContested?.(id, contestedAt);
    });
  }

  /** For what the directory does not know, or may have given away by now. */
  async #claimAgain(lease: Lease): Promise<void> {
    const { id, secret } = lease;
    if (this.#held.get(id) !== lease || this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      const at = this.#now();
      const reserved = lease.at === undefined;
      const question = { id, secret, shown: secret, reserved, holding: false };
      const answer = await this.#options.directory.claim(question);
      if (this.#held.get(id) !== lease) {
        // The agent has ended meanwhile.
        if (answer.type === "granted") this.#released.set(id, { epoch: answer.epoch, keepMs: 0 });
      } else if (answer.type === "granted") {
        this.#held.set(id, { ...lease, epoch: answer.epoch, at });
      } else if (answer.type === "taken") {
        this.#drop(lease);
      }
    } finally {
      this.#busy.delete(id);
    }
  }

  #drop({ id, epoch }: Lease): void {
    this.#held.delete(id);
    this.#options.onLost(id);
    // Not before: from here on nothing answers for it.
    this.#forgotten.set(id, epoch);
  }

  async #sayReleased(id: string): Promise<void> {
    const { epoch, keepMs } = this.#released.get(id)!;
    await this.#options.directory.release(id, epoch, keepMs);
    if (this.#released.get(id)?.epoch === epoch) this.#released.delete(id);
  }

  async #sayForgotten(id: string): Promise<void> {
    const epoch = this.#forgotten.get(id)!;
    await this.#options.directory.forget(id, epoch);
    if (this.#forgotten.get(id) === epoch) this.#forgotten.delete(id);
  }

  #now(): { steady: number; wall: number } {
    return { steady: this.#clocks.steady(), wall: this.#clocks.wall() };
  }

  #isValid({ at }: Lease): boolean {
    if (at === undefined) return true;
    const now = this.#now();
    const passed = Math.max(now.steady - at.steady, now.wall - at.wall);
    return passed < this.#options.timing.answerMs;
  }
}
