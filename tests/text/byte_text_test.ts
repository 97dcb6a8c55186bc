import assert from "node:assert/strict";
import { decodeBytes, encodeBytes } from "../../lib/text/byte_text.ts";

Deno.test("decodeBytes() leaves UTF-8 as it is, a byte order mark too", () => {
  for (const name of ["", "plain", "žluťoučký", "日本語", "👩‍🔬", "\ufeffx", "a\u0000b"]) {
    assert.equal(decodeBytes(new TextEncoder().encode(name)), name);
    assert.deepEqual(encodeBytes(name), new TextEncoder().encode(name));
  }
});

Deno.test("decodeBytes() turns each byte that is no UTF-8 into a lone surrogate", () => {
  const cases: [number[], string][] = [
    [[0x78, 0xff, 0x79], "x\udcffy"],
    [[0x80], "\udc80"],
    // Cut off in the middle of a character.
    [[0xe6, 0x97], "\udce6\udc97"],
    // Too long a form of "/", a surrogate, and beyond U+10FFFF.
    [[0xc0, 0xaf], "\udcc0\udcaf"],
    [[0xe0, 0x80, 0xaf], "\udce0\udc80\udcaf"],
    [[0xed, 0xb2, 0x80], "\udced\udcb2\udc80"],
    [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    // A character after a broken one.
    [[0xe6, 0xc3, 0xa9], "\udce6é"],
  ];
  for (const [bytes, name] of cases) assert.equal(decodeBytes(Uint8Array.from(bytes)), name);
});

Deno.test("encodeBytes() gives back the bytes of any name", () => {
  for (let round = 0; round < 2000; round++) {
    const bytes = crypto.getRandomValues(new Uint8Array(round % 40));
    assert.deepEqual(encodeBytes(decodeBytes(bytes)), bytes);
    // Mostly UTF-8, which random bytes hardly ever are.
    const text = new TextEncoder().encode("aé日👩".repeat(3));
    text.set(bytes.subarray(0, 2), round % text.length < text.length - 2 ? round % text.length : 0);
    assert.deepEqual(encodeBytes(decodeBytes(text)), text);
  }
});
