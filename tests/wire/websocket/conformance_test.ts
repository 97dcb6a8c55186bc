import assert from "node:assert/strict";
import { conformanceCases } from "./conformance/cases.ts";
import { clientEnd, relayEnd } from "./conformance/ends.ts";

/** Deno's websocket answers a close frame of 126 bytes with its own code, and not with 1002. */
const KNOWN_OF_DENO = ["7.3.6"];

for (
  const [name, start, known] of [
    ["our client", clientEnd, []],
    ["the server", relayEnd, KNOWN_OF_DENO],
  ] as const
) {
  Deno.test(`${name} passes the cases of the Autobahn test suite`, async () => {
    await using end = await start();
    const failed: string[] = [];
    for (const test of conformanceCases()) {
      const outcome = await end.play(test);
      if (end.judge(test, outcome) === "failed") failed.push(test.id);
    }
    assert.deepEqual(failed, known);
  });
}
