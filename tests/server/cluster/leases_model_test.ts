/**
 * Random schedules of claims, renewals, losses, restarts, partitions and jumping clocks: at no time
 * do two nodes answer for an ID with two different agents.
 */
import assert from "node:assert/strict";
import { type AgentDirectory, CLUSTER_TIMING } from "../../../lib/server/cluster/directory.ts";
import { Heartbeat } from "../../../lib/server/cluster/heartbeat.ts";
import { Leases } from "../../../lib/server/cluster/leases.ts";
import { DirectoryState, MemoryDirectory } from "./memory_directory.ts";

const SCHEDULES = Number(Deno.env.get("CLUSTER_SCHEDULES") ?? 10_000);
const STEPS = 40;
const MINUTE = 60_000;
const timing = CLUSTER_TIMING;

/** Numbers from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Time that passes when all that is to happen now has happened. */
class Schedule {
  now = 1_000_000_000;
  #events: { at: number; act: () => void }[] = [];

  after(ms: number, act: () => void): void {
    const event = { at: this.now + ms, act };
    const place = this.#events.findLastIndex(({ at }) => at <= event.at);
    this.#events.splice(place + 1, 0, event);
  }

  sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.after(ms, resolve);
    return promise;
  }

  async run(until: number, check: () => void): Promise<void> {
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.at > until) break;
      this.#events.shift();
      this.now = Math.max(this.now, event.at);
      event.act();
      for (let i = 0; i < 16; i++) await Promise.resolve();
      check();
    }
    this.now = until;
    check();
  }
}

interface Agent {
  name: string;
  id: string;
  /** The secret that it has got last. */
  secret: string;
}

/** What a node has of an agent. */
interface Local {
  agent: string;
  secret: string;
  shown: string;
}

class World {
  readonly schedule = new Schedule();
  readonly random: () => number;
  readonly store = { current: new DirectoryState("run-0") };
  /** How far Redis's clock is ahead. */
  redisAhead = 0;
  redisDown = false;
  runs = 0;
  nextName = 1;
  readonly nodes: (Process | undefined)[] = [];
  readonly agents: Agent[] = [];
  /** May not be cut off or end before Redis knows from it which nodes there are. */
  witness: { process: Process; since: number } | undefined;
  snapshot = new DirectoryState("run-0");
  answered = 0;
  moved = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)]!;
  }

  /** The claim of the test. */
  check = (): void => {
    const owners = new Map<string, string>();
    for (const node of this.nodes) {
      for (const [id, { agent }] of node?.local ?? []) {
        if (!node!.leases.answers(id)) continue;
        const other = owners.get(id) ?? agent;
        assert.equal(other, agent, `two agents have "${id}": ${other} and ${agent}`);
        owners.set(id, agent);
      }
    }
    this.answered = Math.max(this.answered, owners.size);
  };
}

/** A node until it ends. */
class Process {
  readonly local = new Map<string, Local>();
  readonly leases: Leases;
  readonly heartbeat: Heartbeat;
  readonly directory: MemoryDirectory;
  cutOff = false;
  ended = false;
  wallAhead = 0;
  /** How long its steady clock has stood still. */
  slept = 0;

  constructor(readonly world: World, url: string) {
    const node = { url, instance: `i${world.nextName++}` };
    const { schedule } = world;
    this.directory = new MemoryDirectory(
      world.store,
      node,
      timing,
      () => schedule.now + world.redisAhead,
    );
    const remote = this.#overNetwork(this.directory);
    const clocks = {
      steady: () => schedule.now - this.slept,
      wall: () => schedule.now + this.wallAhead,
    };
    this.leases = new Leases({
      directory: remote,
      timing,
      clocks,
      onLost: (id) => this.local.delete(id),
    });
    this.heartbeat = new Heartbeat(remote, this.leases, timing, clocks.steady);
    void this.#renew();
  }

  /** The directory with delays; what is asked or answered may be lost. */
  #overNetwork(directory: MemoryDirectory): AgentDirectory {
    const { world } = this;
    const { schedule, random } = world;
    const call = (method: keyof AgentDirectory) => async (...args: unknown[]) => {
      const done = Promise.withResolvers<unknown>();
      const isUp = () => !this.cutOff && !world.redisDown && !this.ended;
      schedule.after(timing.askMs, () => done.reject(new Error("no answer in time")));
      // Now and then a question arrives after everyone has given up on it.
      const isLate = random() < 0.02;
      schedule.after(isLate ? 3_000 + random() * 5_000 : random() * 50, async () => {
        if (!isUp() || random() < 0.01) return;
        const ask = directory[method] as (...args: unknown[]) => Promise<unknown>;
        const answer = await ask.apply(directory, args);
        schedule.after(random() * 50, () => isUp() && random() > 0.01 && done.resolve(answer));
      });
      const answer = await done.promise;
      // A process that has ended does nothing more.
      return this.ended ? await new Promise(() => {}) : answer;
    };
    const names = ["claim", "renew", "release", "forget", "find", "beat", "leave"] as const;
    return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as AgentDirectory;
  }

  async #renew(): Promise<void> {
    while (!this.ended) {
      await this.heartbeat.run().catch(() => {});
      await this.world.schedule.sleep(timing.renewMs * (0.9 + 0.2 * this.world.random()));
    }
  }

  async register(agent: Agent): Promise<void> {
    const { id } = agent;
    const shown = agent.secret;
    const secret = `s${this.world.nextName++}`;
    const here = this.local.get(id);
    const owner = here !== undefined && shown !== "" && [here.secret, here.shown].includes(shown);
    const decision = await this.leases.claim({ id, secret, shown, reserved: false, owner });
    if (decision.type !== "granted" && decision.type !== "local") return;
    if (decision.type === "granted" && decision.former) this.world.moved++;
    this.local.set(id, { agent: agent.name, secret, shown });
    // The agent may not hear the answer.
    if (this.world.random() > 0.05) agent.secret = secret;
  }

  remove(id: string, keepMs: number): void {
    if (this.local.delete(id)) void this.leases.release(id, keepMs);
  }
}

/** Something that happens, at random. */
function step(world: World): void {
  const { random, schedule } = world;
  const node = world.pick(world.nodes);
  const { witness } = world;
  if (witness && witness.process.heartbeat.last!.since !== witness.since) world.witness = undefined;
  const isWitness = world.witness && node === world.witness.process;
  const ids = ["a", "b"];
  const known = world.nodes.filter((node) => node?.heartbeat.last && !node.cutOff);
  /** Redis may lose what it knows only while a node that has seen the others can tell it. */
  const lose = (act: () => void) => {
    const process = known.filter((node) => node!.heartbeat.last!.nodes.length >= 3)[0];
    if (process === undefined || world.witness) return;
    world.witness = { process, since: process.heartbeat.last!.since };
    act();
  };
  const dice = random();
  if (dice < 0.3) {
    const agent = { name: `agent${world.nextName++}`, id: world.pick(ids), secret: "" };
    world.agents.push(agent);
    void node?.register(agent);
  } else if (dice < 0.6 && world.agents.length > 0) {
    void node?.register(world.pick(world.agents));
  } else if (dice < 0.7) {
    node?.remove(world.pick(ids), random() < 0.5 ? 0 : MINUTE);
  } else if (dice < 0.76 && node && !isWitness) {
    node.cutOff = true;
    schedule.after(random() * 12 * MINUTE, () => node.cutOff = false);
  } else if (dice < 0.82 && !isWitness) {
    const slot = world.nodes.indexOf(node);
    if (node) node.ended = true;
    world.nodes[slot] = undefined;
    const start = () => world.nodes[slot] ??= new Process(world, `http://node-${slot}`);
    schedule.after(random() * 2 * MINUTE, start);
  } else if (dice < 0.86) {
    world.redisDown = true;
    schedule.after(random() * 7 * MINUTE, () => world.redisDown = false);
  } else if (dice < 0.9) {
    lose(() => {
      world.runs++;
      world.store.current = random() < 0.5
        ? new DirectoryState(`run-${world.runs}`)
        : structuredCopy(world.snapshot, `run-${world.runs}`);
    });
  } else if (dice < 0.92) {
    world.snapshot = structuredCopy(world.store.current, world.store.current.run);
  } else if (dice < 0.94) {
    lose(() => world.redisAhead += (random() < 0.7 ? 1 : -0.2) * random() * 120 * MINUTE);
  } else if (dice < 0.97) {
    if (node) node.wallAhead += (random() - 0.5) * 120 * MINUTE;
  } else if (node) {
    node.slept += random() * 0.001 * MINUTE;
  }
}

function structuredCopy(state: DirectoryState, run: string): DirectoryState {
  const { agents, nodes, expected, checked, state: settled } = structuredClone({ ...state });
  return Object.assign(new DirectoryState(run), {
    agents,
    nodes,
    expected,
    checked,
    state: settled,
  });
}

async function runSchedule(seed: number): Promise<World> {
  const world = new World(seed);
  for (let i = 0; i < 3; i++) world.nodes.push(new Process(world, `http://node-${i}`));
  await world.schedule.run(world.schedule.now + 30_000, world.check);
  for (let i = 0; i < STEPS; i++) {
    step(world);
    const pause = world.random() < 0.2 ? 3 * MINUTE : world.random() < 0.5 ? 15_000 : 200;
    await world.schedule.run(world.schedule.now + world.random() * pause, world.check);
  }
  for (const node of world.nodes) if (node) node.ended = true;
  return world;
}

Deno.test(`no ID has two owners in ${SCHEDULES} random schedules`, async () => {
  const first = Number(Deno.env.get("CLUSTER_SEED") ?? 1);
  let [answered, moved] = [0, 0];
  for (let seed = first; seed < first + SCHEDULES; seed++) {
    try {
      const world = await runSchedule(seed);
      answered += world.answered;
      moved += world.moved;
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // The schedules are of use only if agents are answered for, and move.
  assert.ok(answered > SCHEDULES, `only ${answered} IDs`);
  assert.ok(moved > SCHEDULES / 4, `only ${moved} moves`);
});
