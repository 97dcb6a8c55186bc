import { deepEqual, equal } from "node:assert/strict";
import { sshRefusal } from "../../lib/client/ssh_refusal.ts";
import { Message } from "../../lib/ssh/protocol/numbers.ts";
import { Reader } from "../../lib/ssh/protocol/wire_format.ts";

Deno.test("sshRefusal() is a whole packet, whatever the reason's length", () => {
  for (let length = 0; length < 32; length++) {
    const reason = "é".repeat(length);
    const bytes = sshRefusal(reason);
    const packet = new Reader(bytes.subarray(bytes.indexOf(0x0a) + 1));
    equal(packet.left % 8, 0);
    equal(packet.uint32(), packet.left);
    const padding = packet.byte();
    deepEqual([packet.byte(), packet.uint32(), packet.text(), packet.text()], [
      Message.disconnect,
      12,
      reason,
      "",
    ]);
    equal(packet.left, padding);
    equal(padding >= 4 && padding < 12, true);
  }
});
