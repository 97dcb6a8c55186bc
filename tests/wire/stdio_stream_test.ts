import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { stdioStream } from "../../lib/wire/stdio_stream.ts";

/** Standard input that gives these chunks and output that is kept, a few bytes a write. */
function fakeStdio(...chunks: (string | Promise<never>)[]) {
  const written: number[] = [];
  return {
    text: () => new TextDecoder().decode(Uint8Array.from(written)),
    stdin: {
      async read(buffer: Uint8Array) {
        const chunk = await chunks.shift();
        return chunk === undefined ? null : new TextEncoder().encodeInto(chunk, buffer).written;
      },
    },
    stdout: {
      write(bytes: Uint8Array) {
        written.push(...bytes.subarray(0, 3));
        return Promise.resolve(Math.min(bytes.length, 3));
      },
    },
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const concat = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);

Deno.test("stdioStream() reads standard input to its end and writes all to standard output", async () => {
  const fake = fakeStdio("one", "two");
  const stream = stdioStream(fake);
  assert.equal(text(await stream.read()), "one");
  assert.equal(text(await stream.read()), "two");
  assert.equal(await stream.read(), null);
  await stream.write(bytes("hello world"));
  assert.equal(fake.text(), "hello world");
  await stream.end();
  assert.equal(await stream.closed, undefined);
  await assert.rejects(stream.write(bytes("x")), /closed/);
});

Deno.test("stdioStream() close() ends a read that standard input keeps waiting", async () => {
  const fake = fakeStdio(new Promise<never>(() => {}));
  const stream = stdioStream(fake);
  const reading = stream.read();
  stream.close();
  assert.equal(await reading, null);
  assert.equal(await stream.closed, undefined);
});

Deno.test("stdioStream() says what broke", async () => {
  const fake = fakeStdio(Promise.reject(new Error("input/output error")));
  const reader = stdioStream(fake);
  await assert.rejects(reader.read(), /^Error: cannot read standard input: input\/output error$/);
  const writer = stdioStream({
    stdin: fake.stdin,
    stdout: { write: () => Promise.reject(new Deno.errors.BrokenPipe("x")) },
  });
  const message = "cannot write to standard output: its reader has closed it";
  await assert.rejects(writer.write(bytes("x")), { message });
  assert.equal((await writer.closed)?.message, message);
});

Deno.test("stdioStream() takes silent input for ended once output has ended", async () => {
  const silence = new Promise<never>(() => {});
  for (const endFirst of [false, true]) {
    const stream = stdioStream({ ...fakeStdio("more", silence), linger: 20 });
    if (endFirst) await stream.end();
    assert.equal(text(await stream.read()), "more");
    const reading = stream.read();
    await stream.end();
    assert.equal(await reading, null);
    assert.equal(await stream.closed, undefined);
  }
});

/** Standard input whose chunks the test gives one by one, a null at the end. */
function chunkedStdin(chunks: (Uint8Array | Promise<Uint8Array>)[]) {
  return {
    async read(buffer: Uint8Array) {
      const chunk = await chunks.shift();
      if (chunk !== undefined) buffer.set(chunk);
      return chunk?.length ?? null;
    },
  };
}

Deno.test("stdioStream() gives large chunks that follow each other together", async () => {
  const large = (value: number) => new Uint8Array(32 * 1024).fill(value);
  const late = Promise.withResolvers<Uint8Array>();
  const small = bytes("small");
  const stdin = chunkedStdin([large(1), large(2), small, large(3), late.promise, small]);
  const stream = stdioStream({ stdin });
  assert.deepEqual(
    await stream.read(),
    Uint8Array.from([...large(1), ...large(2), ...small]),
    "a small chunk is the last one",
  );
  assert.deepEqual(await stream.read(), large(3), "what is late is not waited for");
  late.resolve(large(4));
  assert.deepEqual(await stream.read(), Uint8Array.from([...large(4), ...small]));
  assert.equal(await stream.read(), null);
  stream.close();
});

Deno.test("stdioStream() gives all of many large chunks, each read of bounded length", async () => {
  const chunks = Array.from({ length: 40 }, (_, value) => new Uint8Array(50_000).fill(value));
  const stream = stdioStream({ stdin: chunkedStdin([...chunks]) });
  const parts: Uint8Array[] = [];
  for (let part = await stream.read(); part !== null; part = await stream.read()) {
    assert.ok(part.length <= 192 * 1024, `${part.length}`);
    parts.push(part.slice());
  }
  assert.deepEqual(concat(parts), concat(chunks));
  stream.close();
});
