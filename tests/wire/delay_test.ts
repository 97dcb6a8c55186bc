import assert from "node:assert/strict";
import { delay, within } from "../../lib/wire/delay.ts";

const never = new Promise<never>(() => {});

Deno.test("delay() ends with its signal, and leaves no timer behind", async () => {
  const ended = new AbortController();
  const waiting = delay(2 ** 31 - 1, ended.signal);
  ended.abort();
  await waiting;
  await delay(2 ** 31 - 1, ended.signal);
});

Deno.test("within() gives what comes in time, and leaves no timer behind", async () => {
  assert.equal(await within(2 ** 31 - 1, Promise.resolve("here")), "here");
  await assert.rejects(within(2 ** 31 - 1, Promise.reject(new Error("broke"))), /^Error: broke$/);
});

Deno.test("within() waits no longer", async () => {
  assert.equal(await within(0, never), undefined);
  const late = Promise.withResolvers<void>();
  assert.equal(await within(0, late.promise), undefined);
  late.reject(new Error("nobody waits for this any more"));
});
