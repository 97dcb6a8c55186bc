import assert from "node:assert/strict";
import { IdentificationReader } from "../../../lib/ssh/transport/identification.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** What a reader makes of these pieces. */
function read(...pieces: string[]) {
  const reader = new IdentificationReader();
  for (const piece of pieces) {
    const found = reader.add(encode(piece));
    if (found) return [found.line, found.rest].map((bytes) => new TextDecoder().decode(bytes));
  }
}

Deno.test("IdentificationReader.add() reads the line, in pieces and with either line end", () => {
  assert.deepEqual(read("SSH-2.0-a b\r\nrest"), ["SSH-2.0-a b", "rest"]);
  assert.deepEqual(read("SSH-2.0-a\n"), ["SSH-2.0-a", ""]);
  assert.deepEqual(read("SS", "H-1.99", "-a\r", "\n", "x"), ["SSH-1.99-a", ""]);
  assert.equal(read("SSH-2.0-a"), undefined);
});

Deno.test("IdentificationReader.add() refuses what is not SSH 2", () => {
  for (const line of ["GET / HTTP/1.1\r\n", "SSH-1.5-old\r\n", "\r\n", " SSH-2.0-a\n"]) {
    assert.throws(() => read(line), /does not speak SSH 2/, line);
  }
});

Deno.test("IdentificationReader.add() takes 255 bytes at most", () => {
  const line = "SSH-2.0-".padEnd(253, "x");
  assert.deepEqual(read(`${line}\r\n`), [line, ""]);
  assert.throws(() => read(`${line}x\r\n`), /does not speak SSH 2/);
  assert.throws(() => read(`${line}x`, "y", "z"), /does not speak SSH 2/);
});
