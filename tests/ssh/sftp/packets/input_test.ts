import assert from "node:assert/strict";
import { Input } from "../../../../lib/ssh/sftp/packets/input.ts";
import { MAX_PACKET } from "../../../../lib/ssh/sftp/packets/numbers.ts";
import { MalformedError } from "../../../../lib/ssh/protocol/wire_format.ts";

function packet(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length);
  bytes.set(content, 4);
  return bytes;
}

Deno.test("Input finds the packets, whatever pieces they come in", () => {
  const contents = [1, 2, 3, 4, 5, 100, 1000, 70000].map((length) => {
    const content = new Uint8Array(length);
    return content.map((_, i) => i + length);
  });
  const stream = Uint8Array.from(contents.flatMap((content) => [...packet(content)]));
  for (const size of [1, 2, 3, 4, 5, 7, 1000, 32768, stream.length]) {
    const input = new Input();
    const found: Uint8Array[] = [];
    for (let start = 0; start < stream.length; start += size) {
      input.add(stream.slice(start, start + size));
      for (let next = input.next(); next !== null; next = input.next()) found.push(next.slice());
    }
    assert.deepEqual(found, contents, `pieces of ${size} bytes`);
  }
});

Deno.test("Input refuses packets that are empty or too long", () => {
  for (const length of [0, MAX_PACKET + 1, 0xffffffff]) {
    const input = new Input();
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, length);
    input.add(header);
    assert.throws(() => input.next(), MalformedError);
  }
  const input = new Input();
  input.add(packet(new Uint8Array(MAX_PACKET)));
  assert.equal(input.next()?.length, MAX_PACKET);
});
