/** The scripts in a real Redis do what their twin in TypeScript does, which the model test uses. */
import assert from "node:assert/strict";
import {
  type AgentDirectory,
  CLUSTER_TIMING,
  type ClusterNode,
} from "../../../lib/server/cluster/directory.ts";
import { RedisDirectory } from "../../../lib/server/cluster/redis_directory.ts";
import { TestRedis } from "../../support/redis.ts";
import { requires } from "../../support/requires.ts";
import { DirectoryState, MemoryDirectory } from "./memory_directory.ts";

const test = requires("redis-server");
const timing = { ...CLUSTER_TIMING, askMs: 60_000 };
const ROUNDS = 150;
const STEPS = 60;

/** Makes `now` what the test says: the scripts run as of the time in a key. */
const CLOCK = "local now = tonumber(redis.call('GET', 'clock'))\n";

class Clock {
  readonly #control: RedisDirectory;
  now = 1_790_000_000_000;
  constructor(control: RedisDirectory) {
    this.#control = control;
  }
  async set(now: number): Promise<void> {
    this.now = now;
    await this.#control.command(["SET", "clock", `${now}`]);
  }
}

async function connect(redis: TestRedis, node: ClusterNode): Promise<RedisDirectory> {
  const ready = Promise.withResolvers<void>();
  const directory = new RedisDirectory({
    url: new URL(redis.url),
    node,
    timing,
    clock: CLOCK,
    onState: (connected) => connected && ready.resolve(),
  });
  await ready.promise;
  return directory;
}

test("the directory in Redis follows the rules of the model", async () => {
  await using redis = await TestRedis.start();
  using control = await connect(redis, { url: "http://control", instance: "0" });
  const clock = new Clock(control);
  const info = await control.command(["INFO", "server"]) as string;
  const run = /run_id:(\S+)/.exec(info)![1]!;
  for (let round = 0; round < ROUNDS; round++) {
    await control.command(["FLUSHALL"]);
    await clock.set(1_790_000_000_000);
    const store = { current: new DirectoryState(run) };
    using stack = new DisposableStack();
    let made = 0;
    const start = async (slot: number) => {
      const node = { url: `http://node-${slot}`, instance: `${round}-${made++}` };
      const real = stack.use(await connect(redis, node));
      const model = new MemoryDirectory(store, node, timing, () => clock.now);
      return { real, model };
    };
    const nodes = await Promise.all([0, 1, 2].map(start));
    const secrets = ["", "s1", "s2", "s3"];
    const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)]!;
    const trace: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const slot = Math.floor(Math.random() * 3);
      const node = nodes[slot]!;
      const compare = async <T>(name: string, ask: (directory: AgentDirectory) => Promise<T>) => {
        const [real, model] = [await ask(node.real), await ask(node.model)];
        trace.push(`${clock.now} ${slot} ${name} ${JSON.stringify(real)} ${JSON.stringify(model)}`);
        assert.deepEqual(real, model, trace.join("\n"));
      };
      const id = pick(["a", "b"]);
      const record = store.current.agents.get(id);
      const epoch = (record?.epoch ?? 0) + pick([0, 0, 0, -1, 1]);
      const [secret, shown] = [pick(secrets.slice(1)), pick(secrets)];
      const dice = Math.random();
      if (dice < 0.35) {
        const question = { id, secret, shown, reserved: Math.random() < 0.1 };
        const holding = record?.instance === node.model.node.instance && Math.random() < 0.5;
        await compare("claim", (directory) => directory.claim({ ...question, holding }));
      } else if (dice < 0.5) {
        const held = { id, epoch, secret, shown };
        await compare("renew", (directory) => directory.renew([held]));
      } else if (dice < 0.58) {
        const keep = pick([0, 60_000]);
        await compare("release", (directory) => directory.release(id, epoch, keep));
      } else if (dice < 0.64) {
        await compare("forget", (directory) => directory.forget(id, epoch));
      } else if (dice < 0.72) {
        await compare("find", (directory) => directory.find(["a", "b", "c"]));
      } else if (dice < 0.88) {
        const rebuilt = pick([0, store.current.state?.since ?? 0]);
        const known = pick([[], ["http://node-0", "http://node-1"]]);
        await compare("beat", async (directory) => {
          const beat = await directory.beat(known, rebuilt);
          return { ...beat, nodes: beat.nodes.sort(), left: beat.left.sort() };
        });
      } else if (dice < 0.9) {
        await compare("leave", (directory) => directory.leave());
      } else if (dice < 0.92) {
        nodes[slot] = await start(slot);
      } else {
        const ahead = pick([1_000, 9_000, 20_000, 31_000, 400_000, 1_300_000, -5_000]);
        await clock.set(clock.now + ahead);
      }
    }
  }
});
