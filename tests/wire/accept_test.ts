import assert from "node:assert/strict";
import { accepted } from "../../lib/wire/accept.ts";

Deno.test("accepted() goes on after a failure, until the listener is closed", async () => {
  const outcomes = [1, new Error("too many open files"), 2, new Deno.errors.BadResource()];
  const listener = {
    accept() {
      const outcome = outcomes.shift()!;
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
  };
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  assert.deepEqual(await Array.fromAsync(accepted(listener, { onError, pause: 0 })), [1, 2]);
  assert.deepEqual(errors, ["too many open files"]);
});

Deno.test("accepted() ends when a real listener is closed while it waits", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = accepted(listener, { onError: () => assert.fail() });
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _first = (await connections.next()).value!;
  const next = connections.next();
  listener.close();
  assert.deepEqual(await next, { done: true, value: undefined });
});
