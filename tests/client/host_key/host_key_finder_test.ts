import assert from "node:assert/strict";
import { HostKeyFinder } from "../../../lib/client/host_key/host_key_finder.ts";
import { Writer } from "../../../lib/ssh/protocol/wire_format.ts";

const KEY = new TextEncoder().encode("the key");
const LINE = new TextEncoder().encode("SSH-2.0-Converge\r\n");

function packet(message: Writer): Uint8Array {
  const content = message.bytes();
  const padding = new Uint8Array(6);
  return new Writer().uint32(1 + content.length + padding.length).byte(padding.length)
    .raw(content).raw(padding).bytes();
}

const SENT = new Writer().raw(LINE).raw(packet(new Writer().byte(20).raw(new Uint8Array(900))))
  .raw(packet(new Writer().byte(31).string(KEY).string("f").string("signature")))
  .raw(packet(new Writer().byte(21))).bytes();

/** What a finder says to bytes that arrive in pieces of `size`. */
function find(bytes: Uint8Array, size: number) {
  const finder = new HostKeyFinder();
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const key = finder.take(bytes.subarray(at, at + size));
    if (key) found.push(key);
  }
  return { found, done: finder.done };
}

Deno.test("the key is found once, however the bytes are cut", () => {
  for (const size of [1, 7, 64, SENT.length]) {
    assert.deepEqual(find(SENT, size), { found: [KEY], done: true }, String(size));
  }
});

Deno.test("what is not SSH, has no key or never ends is given up", () => {
  const long = new Uint8Array(70_000);
  for (
    const bytes of [
      new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"),
      new Writer().raw(LINE).uint32(0xffffffff).bytes(),
      new Writer().raw(LINE).uint32(0).bytes(),
      new Writer().raw(LINE).raw(packet(new Writer().byte(21))).bytes(),
      new Writer().raw(LINE).raw(packet(new Writer().byte(31).uint32(1_000))).bytes(),
      long,
    ]
  ) assert.deepEqual(find(bytes, 1_000), { found: [], done: true });
});
