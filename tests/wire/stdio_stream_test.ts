import assert from "node:assert/strict";
import { type Stdio, stdioStream } from "../../lib/wire/stdio_stream.ts";

/** Standard input that gives these chunks and output that is kept, a few bytes a write. */
function fakeStdio(...chunks: (string | Promise<never>)[]) {
  const written: number[] = [];
  let open = true;
  const stdio: Stdio = {
    stdin: {
      async read(buffer) {
        const chunk = await chunks.shift();
        return chunk === undefined ? null : new TextEncoder().encodeInto(chunk, buffer).written;
      },
    },
    stdout: {
      write(bytes) {
        written.push(...bytes.subarray(0, 3));
        return Promise.resolve(Math.min(bytes.length, 3));
      },
      close: () => {
        open = false;
      },
    },
  };
  return {
    stdio,
    text: () => new TextDecoder().decode(Uint8Array.from(written)),
    open: () => open,
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);

Deno.test("stdioStream() reads standard input to its end and writes all to standard output", async () => {
  const fake = fakeStdio("one", "two");
  const stream = stdioStream(fake.stdio);
  assert.equal(text(await stream.read()), "one");
  assert.equal(text(await stream.read()), "two");
  assert.equal(await stream.read(), null);
  await stream.write(bytes("hello world"));
  assert.equal(fake.text(), "hello world");
  assert.equal(fake.open(), true);
  await stream.end();
  assert.equal(fake.open(), false);
  assert.equal(await stream.closed, undefined);
  await assert.rejects(stream.write(bytes("x")), /closed/);
});

Deno.test("stdioStream() close() ends a read that standard input keeps waiting", async () => {
  const fake = fakeStdio(new Promise<never>(() => {}));
  const stream = stdioStream(fake.stdio);
  const reading = stream.read();
  stream.close();
  assert.equal(await reading, null);
  assert.equal(fake.open(), false);
  assert.equal(await stream.closed, undefined);
});

Deno.test("stdioStream() says what broke", async () => {
  const fake = fakeStdio(Promise.reject(new Error("input/output error")));
  const reader = stdioStream(fake.stdio);
  await assert.rejects(reader.read(), /^Error: cannot read standard input: input\/output error$/);
  const writer = stdioStream({
    stdin: fake.stdio.stdin,
    stdout: { write: () => Promise.reject(new Deno.errors.BrokenPipe("x")), close() {} },
  });
  const message = "cannot write to standard output: its reader has gone";
  await assert.rejects(writer.write(bytes("x")), { message });
  assert.equal((await writer.closed)?.message, message);
});
