import { deepEqual } from "node:assert/strict";
import type { RawConnection } from "../../../lib/wire/raw_connection.ts";
import { Opcode } from "../../../lib/wire/websocket/frame.ts";
import { FrameWriter } from "../../../lib/wire/websocket/frame_writer.ts";

Deno.test("FrameWriter answers the newest 16 of many pings, before messages", async () => {
  const written: Uint8Array[] = [];
  const stalled = Promise.withResolvers<void>();
  const connection = {
    async write(bytes: Uint8Array) {
      written.push(bytes.slice());
      await stalled.promise;
      return bytes.length;
    },
  } as RawConnection;
  const writer = new FrameWriter(connection, () => {});
  await writer.send(Opcode.binary, Uint8Array.of(1));
  for (let i = 0; i < 100; i++) writer.pong(Uint8Array.of(i));
  stalled.resolve();
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
  const pongs = written.filter(([first]) => first === (0x80 | Opcode.pong));
  // The payload is masked with what stands before it (RFC 6455, section 5.3).
  const answered = pongs.map((frame) => frame[6]! ^ frame[2]!);
  deepEqual(answered, Array.from({ length: 16 }, (_, i) => 84 + i));
});
