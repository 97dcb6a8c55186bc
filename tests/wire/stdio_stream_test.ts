import assert from "node:assert/strict";
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
