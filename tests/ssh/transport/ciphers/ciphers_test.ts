import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { CIPHERS } from "../../../../lib/ssh/transport/ciphers/ciphers.ts";
import { MACS } from "../../../../lib/ssh/transport/ciphers/mac.ts";
import { PacketReader } from "../../../../lib/ssh/transport/packet_reader.ts";
import { PacketWriter } from "../../../../lib/ssh/transport/packet_writer.ts";

/** Each cipher, with each MAC where it needs one. */
const COMBINATIONS = Object.keys(CIPHERS).flatMap((cipher) =>
  (CIPHERS[cipher]!.needsMac ? Object.keys(MACS) : [undefined]).map((mac) => ({ cipher, mac }))
);

/** A writer and a reader with the same keys. */
function pair({ cipher, mac }: { cipher: string; mac?: string }) {
  const { keyLength, ivLength, seal, open } = CIPHERS[cipher]!;
  const macAlgorithm = mac === undefined ? undefined : MACS[mac]!;
  const [key, iv] = [keyLength, ivLength].map((length) => new Uint8Array(randomBytes(length)));
  const macKey = new Uint8Array(randomBytes(macAlgorithm?.length ?? 0));
  const keys = () => ({ key: key!.slice(), iv: iv!.slice(), macKey: macKey.slice() });
  const [writer, reader] = [new PacketWriter(), new PacketReader()];
  const sealed = keys();
  writer.setSealer(seal(sealed, macAlgorithm), true);
  reader.setOpener(open(keys(), macAlgorithm), true);
  reader.allowLongPackets();
  return {
    writer,
    reader,
    sealed,
    [Symbol.dispose]() {
      writer.close();
      reader.close();
    },
  };
}

for (const names of COMBINATIONS) {
  const title = [names.cipher, names.mac].filter(Boolean).join(" with ");

  Deno.test(`${title} gives what was encrypted, and no plain text on the way`, () => {
    using ends = pair(names);
    for (const size of [1, 2, 10, 11, 12, 27, 28, 100, 32_768, 70_000]) {
      const payload = Buffer.alloc(size, "plain text");
      ends.writer.add(payload.subarray(0, 3), payload.subarray(3));
      const sent = ends.writer.take()!.slice();
      assert.equal(Buffer.from(sent).includes("plain text"), false);
      ends.reader.add(sent);
      assert.ok(Buffer.from(ends.reader.next()!).equals(payload), `${size}`);
    }
  });

  Deno.test(`${title} notices each bit that was changed`, () => {
    const size = 40;
    for (let bit = 0; bit < 8 * size; bit++) {
      using ends = pair(names);
      ends.writer.add(new Uint8Array(5));
      ends.writer.add(new Uint8Array(1000));
      const sent = ends.writer.take()!.slice();
      const at = bit >> 3;
      // A length that grew is noticed once that much has come.
      const end = new Uint8Array(300_000);
      sent[at]! ^= 1 << (bit & 7);
      ends.reader.add(Buffer.concat([sent, end]));
      assert.throws(() => {
        while (ends.reader.next() !== undefined);
      }, /corrupted or modified|length is invalid/);
    }
  });

  Deno.test(`${title} wipes its keys`, () => {
    const ends = pair(names);
    ends[Symbol.dispose]();
    const { key, macKey } = ends.sealed;
    assert.ok([...key, ...macKey].every((byte) => byte === 0));
  });
}
