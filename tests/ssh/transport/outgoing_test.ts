import assert from "node:assert/strict";
import { Outgoing } from "../../../lib/ssh/transport/outgoing.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";

/** What goes to a stream that takes each write in the time that `ms` says, by a clock of its own. */
function start(ms: { value: number }): { outgoing: Outgoing; wait: (ms: number) => void } {
  let now = 1_000;
  const stream = {
    write: async () => {
      now += ms.value;
      await Promise.resolve();
    },
  } as unknown as ByteStream;
  const options = { onWritten: () => {}, onError: assert.fail, now: () => now };
  return { outgoing: new Outgoing(stream, options), wait: (ms) => now += ms };
}

Deno.test("one fast write on a slow link does not let more wait", async () => {
  const ms = { value: 2_000 };
  const { outgoing, wait } = start(ms);
  assert.equal(outgoing.packetSize, 64 * 1024);
  outgoing.send(new Uint8Array(200_000));
  await outgoing.written;
  assert.equal(outgoing.packetSize, 4 * 1024);
  ms.value = 0;
  for (let i = 0; i < 5; i++) {
    wait(10);
    outgoing.send(new Uint8Array(4_000));
    assert.ok(outgoing.isFull);
    await outgoing.written;
  }
  assert.equal(outgoing.packetSize, 4 * 1024);
  // That was long ago.
  wait(60_000);
  outgoing.send(new Uint8Array(100));
  await outgoing.written;
  outgoing.send(new Uint8Array(200_000));
  await outgoing.written;
  assert.ok(outgoing.packetSize > 100_000, `${outgoing.packetSize}`);
});
