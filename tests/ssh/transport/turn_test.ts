import assert from "node:assert/strict";
import { isTurnOver, nextTurn } from "../../../lib/ssh/transport/turn.ts";

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
