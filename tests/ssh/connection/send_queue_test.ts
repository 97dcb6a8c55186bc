import assert from "node:assert/strict";
import { SendQueue, type SendShare } from "../../../lib/ssh/connection/send_queue.ts";
import { isTurnOver, nextTurn } from "../../../lib/wire/turn.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";

const PACKET = 32_768;

/** A transport that takes one packet each time that it is told to. */
class TurnstileTransport {
  isWritable = false;
  #wake = Promise.withResolvers<void>();

  async writable(): Promise<void> {
    while (!this.isWritable) await this.#wake.promise;
  }

  /** Lets one packet through. */
  async turn(): Promise<void> {
    this.isWritable = true;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
    await nextTurn();
  }
}

/** A queue whose packets are recorded by the name of their channel, and a turnstile in front. */
function startQueue() {
  const transport = new TurnstileTransport();
  const queue = new SendQueue(transport as unknown as Transport);
  const order: string[] = [];
  const shares: Record<string, SendShare> = {};
  const add = (name: string, length: number) =>
    queue.send(shares[name] ??= { sent: 0 }, length, () => {
      order.push(name);
      transport.isWritable = false;
    });
  /** A channel that always has a packet to send. */
  const flood = async (name: string, packets: number) => {
    for (let packet = 0; packet < packets; packet++) await add(name, PACKET);
  };
  return { transport, order, add, flood };
}

Deno.test("channels that always send take turns", async () => {
  const { transport, order, flood } = startQueue();
  const floods = ["a", "b", "c"].map((name) => flood(name, 20));
  for (let packet = 0; packet < 60; packet++) await transport.turn();
  await Promise.all(floods);
  for (let round = 0; round < 20; round++) {
    assert.deepEqual(order.slice(3 * round, 3 * round + 3).toSorted(), ["a", "b", "c"]);
  }
});

Deno.test("a channel that was quiet goes before thirty that always send, at first and later", async () => {
  const { transport, order, add, flood } = startQueue();
  const names = Array.from({ length: 30 }, (_, number) => `bulk ${number}`);
  const floods = names.map((name) => flood(name, 4));
  for (let packet = 0; packet < 120; packet += 10) {
    const echoes = ["echo", "echo"].map((name) => add(name, 36));
    order.length = 0;
    await transport.turn();
    await transport.turn();
    assert.deepEqual(order, ["echo", "echo"], `after ${packet} packets`);
    await Promise.all(echoes);
    for (let more = 0; more < 10; more++) await transport.turn();
  }
  await Promise.all(floods);
});

Deno.test("a channel of small packets does not keep the others waiting", async () => {
  const { transport, order, add, flood } = startQueue();
  const bulk = flood("bulk", 10);
  const small = (async () => {
    for (let packet = 0; packet < 3000; packet++) await add("small", 100);
  })();
  while (order.filter((name) => name === "bulk").length < 5) await transport.turn();
  const count = order.filter((name) => name === "small").length;
  assert.ok(count < 7 * PACKET / 100, `${count}`);
  while (order.length < 3010) await transport.turn();
  await Promise.all([bulk, small]);
});

Deno.test("a packet that comes while a long turn ends is sent once", async () => {
  const transport = new TurnstileTransport();
  const queue = new SendQueue(transport as unknown as Transport);
  const order: string[] = [];
  const first = queue.send({ sent: 0 }, PACKET, () => {
    order.push("first");
    // So long that what else is to be sent has to wait for the next turn.
    while (!isTurnOver());
    transport.isWritable = false;
  });
  const turn = transport.turn();
  await first;
  const second = queue.send({ sent: 0 }, PACKET, () => order.push("second"));
  await turn;
  await nextTurn();
  await transport.turn();
  await second;
  assert.deepEqual(order, ["first", "second"]);
});

Deno.test("packets of one channel keep their order", async () => {
  const transport = new TurnstileTransport();
  const queue = new SendQueue(transport as unknown as Transport);
  const share: SendShare = { sent: 0 };
  const order: number[] = [];
  const sizes = Array.from({ length: 50 }, (_, number) => (number * 7919) % PACKET);
  const all = sizes.map((size, number) => queue.send(share, size, () => order.push(number)));
  await transport.turn();
  await Promise.all(all);
  assert.deepEqual(order, sizes.map((_, number) => number));
});
