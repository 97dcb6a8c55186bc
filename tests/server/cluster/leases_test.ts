import assert from "node:assert/strict";
import { CLUSTER_TIMING } from "../../../lib/server/cluster/directory.ts";
import { Leases } from "../../../lib/server/cluster/leases.ts";
import { DirectoryState, MemoryDirectory } from "./memory_directory.ts";

const { answerMs, settleMs } = CLUSTER_TIMING;

/** One node, with clocks and a directory that the test moves. */
async function world() {
  const state = { steady: 1_000, wall: 5_000_000, away: false };
  const store = { current: new DirectoryState("run") };
  const node = { url: "http://a", instance: "1" };
  const directory = new MemoryDirectory(store, node, CLUSTER_TIMING, () => state.steady);
  const guarded = new Proxy(directory, {
    get: (target, name: keyof MemoryDirectory) => (...args: unknown[]) => {
      if (state.away) return Promise.reject(new Error("away"));
      return (target[name] as (...args: unknown[]) => unknown).apply(target, args);
    },
  });
  const lost: string[] = [];
  const leases = new Leases({
    directory: guarded,
    timing: CLUSTER_TIMING,
    clocks: { steady: () => state.steady, wall: () => state.wall },
    onLost: (id) => lost.push(id),
  });
  await directory.beat([], 0);
  state.steady += settleMs;
  await directory.beat([], 0);
  const pass = (ms: number) => {
    state.steady += ms;
    state.wall += ms;
  };
  /** What the other nodes hold may be unknown for a while after the directory was away for long. */
  const settle = async () => {
    const { since } = await directory.beat([], 0);
    await directory.beat([], since);
    pass(settleMs);
    await leases.renew();
  };
  const claim = (id: string, over = {}) =>
    leases.claim({ id, secret: "s", shown: "", reserved: false, owner: false, ...over });
  return { state, store, directory, leases, lost, pass, settle, claim };
}

Deno.test("a node answers for as long as it may without the directory, and not longer", async () => {
  const { state, leases, pass, settle, claim } = await world();
  assert.equal((await claim("a")).type, "granted");
  state.away = true;
  pass(answerMs - 1);
  assert.ok(leases.answers("a"));
  pass(1);
  assert.ok(!leases.answers("a"));
  state.away = false;
  await settle();
  assert.ok(leases.answers("a"));
});

Deno.test("a clock that jumps ahead ends the right to answer, one that jumps back adds none", async () => {
  const { state, leases, pass, settle, claim } = await world();
  await claim("a");
  state.wall -= 100 * answerMs;
  pass(answerMs);
  assert.ok(!leases.answers("a"));
  await settle();
  assert.ok(leases.answers("a"));
  state.wall += answerMs;
  assert.ok(!leases.answers("a"));
});

Deno.test("without the directory only IDs that no other can have are given to newcomers", async () => {
  const { state, leases, pass, claim } = await world();
  state.away = true;
  assert.equal((await claim("named")).type, "away");
  assert.equal((await claim("made", { reserved: true })).type, "local");
  pass(100 * answerMs);
  assert.ok(leases.answers("made"));
  state.away = false;
  await leases.renew();
  state.away = true;
  pass(answerMs);
  assert.ok(!leases.answers("made"));
});

Deno.test("an agent that was here gets its ID back while the directory is away", async () => {
  const { state, leases, claim } = await world();
  await claim("a", { secret: "s1" });
  state.away = true;
  assert.equal((await claim("a", { secret: "s2", shown: "s1", owner: true })).type, "local");
  assert.equal((await claim("a", { secret: "s3", shown: "wrong" })).type, "away");
  assert.ok(leases.answers("a"));
});

Deno.test("an ID that has moved is dropped, also when another node says so", async () => {
  const { state, store, leases, lost, claim } = await world();
  await claim("a", { secret: "s1" });
  const other = { url: "http://b", instance: "2" };
  const there = new MemoryDirectory(store, other, CLUSTER_TIMING, () => state.steady);
  await there.beat([], 0);
  const question = { id: "a", secret: "s2", shown: "s1", reserved: false, holding: false };
  const answer = await there.claim(question);
  assert.deepEqual([answer.type, "former" in answer && answer.former], ["granted", "http://a"]);
  // Until it has heard that, nobody else may have it.
  assert.ok(leases.answers("a"));
  assert.equal(answer.type === "granted" && answer.owner, true);
  await there.release("a", answer.type === "granted" ? answer.epoch : 0, 0);
  const newcomer = { ...question, secret: "n", shown: "" };
  assert.equal((await there.claim(newcomer)).type, "taken");
  await leases.check("a");
  assert.deepEqual(lost, ["a"]);
  assert.ok(!leases.answers("a"));
  await leases.renew();
  assert.equal((await there.claim(newcomer)).type, "granted");
});

Deno.test("what ends while the directory is away is given up afterwards", async () => {
  const { state, directory, leases, claim } = await world();
  await claim("a");
  state.away = true;
  await leases.release("a", 0);
  state.away = false;
  const place = async () => (await directory.find(["a"]))[0];
  assert.deepEqual(await place(), { url: "http://a", alive: true });
  await leases.renew();
  assert.equal(await place(), undefined);
});
