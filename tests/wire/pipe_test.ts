import assert from "node:assert/strict";
import { pipe } from "../../lib/wire/pipe.ts";
import { memoryStreamPair, readAll } from "../support/memory_stream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);

Deno.test("pipe() copies both ways; one direction may end long before the other", async () => {
  const [near, a] = memoryStreamPair();
  const [b, far] = memoryStreamPair();
  const piping = pipe(a, b);
  await near.write(bytes("question"));
  await near.end();
  assert.equal(text(await readAll(far)), "question");
  await far.write(bytes("answer"));
  await far.end();
  assert.equal(text(await readAll(near)), "answer");
  await piping;
  assert.equal(await a.closed, undefined);
  assert.equal(await b.closed, undefined);
});

Deno.test("pipe() moves much more than the streams hold", async () => {
  const [near, a] = memoryStreamPair();
  const [b, far] = memoryStreamPair();
  const piping = pipe(a, b);
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const sending = (async () => {
    for (let count = 0; count < 50; count++) await near.write(sent);
    await near.end();
  })();
  await far.end();
  const received = await readAll(far);
  assert.equal(received.length, 50 * sent.length);
  assert.deepEqual(received.subarray(-sent.length), sent);
  await Promise.all([sending, piping]);
});

Deno.test("pipe() ends both streams with what broke one of them first", async () => {
  const [near, a] = memoryStreamPair();
  const [b, far] = memoryStreamPair();
  const piping = pipe(a, b);
  near.close(new Error("lost"));
  await assert.rejects(piping, /^Error: lost$/);
  assert.equal((await b.closed)?.message, "lost");
  await assert.rejects(far.read(), /^Error: lost$/);
});

Deno.test("pipe() ends when one stream is gone for good, though the other says nothing", async () => {
  const [near, a] = memoryStreamPair();
  const [b, far] = memoryStreamPair();
  const piping = pipe(a, b);
  await far.write(bytes("last words"));
  far.close();
  b.close();
  assert.equal(text(await near.read()), "last words");
  await piping;
  assert.equal(await near.read(), null);
});
