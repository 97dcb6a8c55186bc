/** The rules of lib/server/cluster/scripts.ts in TypeScript, for tests with a clock of their own. */
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
} from "../../../lib/server/cluster/directory.ts";

interface Ghost {
  url: string;
  /** `*`: more than one. */
  instance: string;
  hold: number;
  epoch: number;
}

interface AgentRecord extends ClusterNode {
  epoch: number;
  secret: string;
  shown: string;
  lease: number;
  hold: number;
  contested: number;
  ghost?: Ghost;
}

/** What Redis keeps; a restart without its files is a new one. */
export class DirectoryState {
  readonly agents = new Map<string, AgentRecord>();
  readonly nodes = new Map<string, { instance: string; seen: number }>();
  readonly expected = new Set<string>();
  readonly checked = new Set<string>();
  state?: { run: string; since: number; beat: number };
  /** @param run changes with each start */
  constructor(public run: string) {}
}

/** One node's view of it. */
export class MemoryDirectory implements AgentDirectory {
  #known = false;

  constructor(
    readonly store: { current: DirectoryState },
    readonly node: ClusterNode,
    readonly timing: ClusterTiming,
    readonly clock: () => number,
  ) {}

  // deno-lint-ignore require-await
  async claim(question: ClaimQuestion): Promise<ClaimAnswer> {
    const { id, secret, shown, reserved, holding } = question;
    const now = this.clock();
    const record = this.#read(id);
    const isOwner = record !== undefined && shown !== "" &&
      (shown === record.secret || shown === record.shown);
    if (isOwner && record.lease - this.timing.leaseMs < this.#since() && this.#isUnsettled()) {
      return { type: "unsettled" };
    }
    if (!isOwner) {
      if (record) {
        const isMine = this.#isMine(record) && !holding;
        const hasEnded = record.url !== "" && record.lease <= now && this.#isGone(record);
        const isBuried = record.url === "" && record.secret === "";
        if (this.#isHaunted(record) || !(isMine || hasEnded || isBuried)) {
          record.contested = now;
          return { type: "taken" };
        }
      }
      if (!reserved && this.#isUnsettled()) return { type: "unsettled" };
    }
    const epoch = record && record.epoch >= now ? record.epoch + 1 : now;
    const claimed = this.#fresh(epoch, secret, shown);
    let former: string | undefined;
    if (isOwner) {
      this.#leaveGhost(record, claimed);
      claimed.contested = record.contested;
      if (!this.#isMine(record)) former = record.url || undefined;
    }
    this.store.current.agents.set(id, claimed);
    return { type: "granted", epoch, owner: isOwner, former };
  }

  // deno-lint-ignore require-await
  async renew(held: Held[]): Promise<RenewAnswer[]> {
    const now = this.clock();
    const { agents } = this.store.current;
    return held.map(({ id, epoch, secret, shown }): RenewAnswer => {
      const record = this.#read(id);
      if (record && this.#isMine(record) && record.epoch === epoch) {
        const { leaseMs, holdMs } = this.timing;
        Object.assign(record, { secret, shown, lease: now + leaseMs, hold: now + holdMs });
        return { type: "held", contestedAt: record.contested || undefined };
      }
      if (record && record.epoch >= epoch) return { type: "lost" };
      const again = this.#fresh(epoch, secret, shown);
      if (record) this.#leaveGhost(record, again);
      agents.set(id, again);
      return { type: "held", contestedAt: undefined };
    });
  }

  // deno-lint-ignore require-await
  async release(id: string, epoch: number, keepMs: number): Promise<void> {
    const now = this.clock();
    const record = this.#read(id);
    if (!record || !this.#isMine(record) || record.epoch !== epoch) return;
    if (keepMs === 0) record.secret = record.shown = "";
    let hold = now + keepMs;
    if (this.#isHaunted(record)) hold = Math.max(hold, record.ghost!.hold);
    if (hold <= now) this.store.current.agents.delete(id);
    else Object.assign(record, { url: "", instance: "", lease: 0, hold });
  }

  // deno-lint-ignore require-await
  async forget(id: string, epoch: number): Promise<void> {
    const record = this.#read(id);
    const ghost = record?.ghost;
    if (!record || ghost?.instance !== this.node.instance || ghost.epoch > epoch) return;
    if (record.url === "" && record.secret === "") this.store.current.agents.delete(id);
    else record.ghost = undefined;
  }

  // deno-lint-ignore require-await
  async find(ids: string[]): Promise<(Place | undefined | "unsettled")[]> {
    const missing = this.#isUnsettled() ? "unsettled" : undefined;
    return ids.map((id) => {
      const record = this.#read(id);
      if (!record || record.secret === "") return missing;
      return { url: record.url, alive: record.lease > this.clock() };
    });
  }

  // deno-lint-ignore require-await
  async beat(known: string[], rebuilt: number): Promise<Beat> {
    const now = this.clock();
    const store = this.store.current;
    const { expected, checked, nodes } = store;
    const { holdMs } = this.timing;
    let state = store.state;
    if (!state || this.#isBroken(state)) {
      for (const url of checked) expected.delete(url);
      checked.clear();
      const isAnotherRun = state?.run !== store.run;
      state = store.state = { run: store.run, since: now, beat: now };
      for (const [url, { instance, seen }] of nodes) {
        if (now - seen <= holdMs && instance !== "-") expected.add(url);
      }
      if (isAnotherRun) nodes.clear();
    } else if (state.since > now) {
      state.since = now;
    }
    state.beat = now;
    const { url, instance } = this.node;
    const replaced = this.#known && nodes.has(url) && nodes.get(url)!.instance !== instance;
    if (!replaced) nodes.set(url, { instance, seen: now });
    this.#known = true;
    if (rebuilt === state.since) checked.add(url);
    else for (const other of known) expected.add(other);
    for (const [other, { seen }] of nodes) if (now - seen > 2 * holdMs) nodes.delete(other);
    const recent = [...nodes].filter(([, { seen }]) => now - seen <= holdMs);
    const urls = (left: boolean) =>
      recent.filter(([, { instance }]) => left === (instance === "-")).map(([other]) => other);
    return { now, since: state.since, nodes: urls(false), left: urls(true), replaced };
  }

  // deno-lint-ignore require-await
  async leave(): Promise<void> {
    const { nodes, expected } = this.store.current;
    if (nodes.get(this.node.url)?.instance !== this.node.instance) return;
    nodes.set(this.node.url, { instance: "-", seen: this.clock() });
    expected.delete(this.node.url);
  }

  #read(id: string): AgentRecord | undefined {
    const record = this.store.current.agents.get(id);
    return record && record.hold > this.clock() ? record : undefined;
  }

  #fresh(epoch: number, secret: string, shown: string): AgentRecord {
    const now = this.clock();
    const { leaseMs, holdMs } = this.timing;
    const until = { lease: now + leaseMs, hold: now + holdMs };
    return { ...this.node, epoch, secret, shown, ...until, contested: 0 };
  }

  #isMine({ url, instance }: AgentRecord): boolean {
    return url === this.node.url && instance === this.node.instance;
  }

  #isGone({ url, instance }: { url: string; instance: string }): boolean {
    return this.store.current.nodes.get(url)?.instance !== instance && !this.#isUnsettled();
  }

  #isHaunted({ ghost }: AgentRecord): boolean {
    if (ghost === undefined || ghost.hold <= this.clock()) return false;
    return ghost.instance === "*" || !this.#isGone(ghost);
  }

  #leaveGhost(from: AgentRecord, to: AgentRecord): void {
    const { instance } = this.node;
    if (this.#isHaunted(from) && from.ghost!.instance !== instance) to.ghost = { ...from.ghost! };
    if (from.url === "" || from.instance === instance || this.#isGone(from)) return;
    if (to.ghost && to.ghost.hold > this.clock() && to.ghost.instance !== from.instance) {
      to.ghost.instance = "*";
      to.ghost.hold = Math.max(to.ghost.hold, from.hold);
    } else {
      to.ghost = { url: from.url, instance: from.instance, hold: from.hold, epoch: from.epoch };
    }
  }

  #isBroken({ run, beat }: { run: string; beat: number }): boolean {
    return run !== this.store.current.run || this.clock() - beat > this.timing.leaseMs;
  }

  #since(): number {
    const { state } = this.store.current;
    return !state || this.#isBroken(state) ? Infinity : state.since;
  }

  #isUnsettled(): boolean {
    const { state, expected, checked } = this.store.current;
    if (!state || this.#isBroken(state)) return true;
    const age = this.clock() - state.since;
    if (age < this.timing.settleMs) return true;
    return age < this.timing.holdMs && expected.difference(checked).size > 0;
  }
}
