import assert from "node:assert/strict";
import { TextWriter } from "../../lib/log/text_writer.ts";

/** A reader that takes two bytes each time that it is told to. */
function slowReader() {
  let written = "";
  let take = Promise.withResolvers<void>();
  return {
    get written() {
      return written;
    },
    take() {
      take.resolve();
      take = Promise.withResolvers();
    },
    async write(bytes: Uint8Array) {
      await take.promise;
      written += new TextDecoder().decode(bytes.subarray(0, 2));
      return Math.min(bytes.length, 2);
    },
  };
}

Deno.test("TextWriter writes all in order, however little is taken at a time", async () => {
  const reader = slowReader();
  const writer = new TextWriter(reader);
  writer.write("");
  writer.write("one ");
  writer.write("two");
  const flushed = writer.flush(60_000).then(() => true);
  while (!await Promise.race([flushed, false])) {
    reader.take();
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(reader.written, "one two");
});

Deno.test("TextWriter keeps a bounded amount for a reader that takes nothing, and gives it up", async () => {
  let asked = 0;
  const writer = new TextWriter({
    write() {
      asked++;
      return new Promise(() => {});
    },
  });
  const before = Deno.memoryUsage().rss;
  const line = `${"x".repeat(1000)}\n`;
  for (let lines = 0; lines < 200_000; lines++) writer.write(line);
  await writer.flush(1);
  assert.equal(asked, 1);
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`);
});

Deno.test("TextWriter keeps 1 MiB for a reader that stalls, and the line that goes beyond", async () => {
  const stalled = Promise.withResolvers<void>();
  let written = 0;
  const writer = new TextWriter({
    async write(bytes) {
      await stalled.promise;
      written += bytes.length;
      return bytes.length;
    },
  });
  const line = `${"x".repeat(1023)}\n`;
  for (let lines = 0; lines < 5_000; lines++) writer.write(line);
  stalled.resolve();
  await writer.flush(60_000);
  // The first line is on its way; a thousand more, and one beyond.
  assert.equal(written, (1 + 1024 + 1) * 1024);
});

Deno.test("TextWriter does not fail when nothing reads it, and goes on when something does", async () => {
  let fails = true;
  let written = "";
  const writer = new TextWriter({
    write(bytes) {
      if (fails) return Promise.reject(new Deno.errors.BrokenPipe());
      written += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  });
  writer.write("lost");
  await writer.flush(60_000);
  fails = false;
  writer.write("kept");
  await writer.flush(60_000);
  assert.equal(written, "kept");
});
