import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { isTurnOver, nextTurn, nextTurnOfStrangers } from "../../lib/wire/turn.ts";

/** Computes until the turn is over. */
function compute(): void {
  while (!isTurnOver());
}

Deno.test("a turn that is over stays over until the next one", async () => {
  compute();
  await Promise.resolve();
  assert.ok(isTurnOver());
  await nextTurn();
  assert.ok(!isTurnOver());
  compute();
  await nextTurn();
});

Deno.test("input is looked at between two turns, however much there is to compute", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  using server = await listener.accept();
  let heard = false;
  const reading = server.read(new Uint8Array(1)).then(() => heard = true);
  await client.write(new Uint8Array(1));
  while (!heard) {
    compute();
    await nextTurn();
  }
  await reading;
});

Deno.test("those that wait are called in order, and what comes in is looked at between them", async () => {
  const order: string[] = [];
  const work = async (name: string) => {
    await nextTurn();
    order.push(name);
    compute();
  };
  const all = Promise.all(["a", "b", "c"].map(work));
  for (let turn = 1; order.length < 6; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`turn ${turn}`);
  }
  await all;
  assert.deepEqual(order, ["a", "turn 1", "b", "turn 2", "c", "turn 3"]);
});

Deno.test("those that compute little share a turn", async () => {
  await nextTurn();
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  await Promise.all(Array.from({ length: 1_000 }, nextTurn));
  clearInterval(count);
  assert.ok(turns < 500, `${turns} turns`);
});

Deno.test("strangers wait for all others, but one has its turn in each", async () => {
  const order: string[] = [];
  const work = async (name: string, turn: () => Promise<void>) => {
    await turn();
    order.push(name);
    compute();
  };
  await Promise.all([
    ...["stranger 1", "stranger 2", "stranger 3"].map((name) => work(name, nextTurnOfStrangers)),
    ...["a", "b"].map((name) => work(name, nextTurn)),
  ]);
  assert.deepEqual(order, ["a", "stranger 1", "b", "stranger 2", "stranger 3"]);
});
