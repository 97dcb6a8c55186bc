/** The order of messages: what a client must not send, and when. */
import assert from "node:assert/strict";
import { generateHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { Message } from "../../../lib/ssh/protocol/numbers.ts";
import { Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { PacketReader } from "../../../lib/ssh/transport/packet_reader.ts";
import { PacketWriter } from "../../../lib/ssh/transport/packet_writer.ts";
import { Transport } from "../../../lib/ssh/transport/transport.ts";
import { exchangeInit, kexinit, NEW_KEYS } from "../../support/key_exchange_client.ts";
import { memoryStreamPair, readAll } from "../../support/memory_stream.ts";

const STRICT = "kex-strict-c-v00@openssh.com";
const IGNORE = new Writer().byte(Message.ignore).string("").bytes();

/**
 * Sends packets without encryption to a new transport, then ends the stream.
 *
 * @returns what the transport made of it: the error that ended it, the types of its packets and
 * what reached its user
 */
async function send(...payloads: Uint8Array[]) {
  const [ours, theirs] = memoryStreamPair();
  const transport = new Transport(theirs, { hostKeys: [generateHostKey()], version: "test" });
  const passedOn: number[] = [];
  const running = transport.run((type) => passedOn.push(type));
  const writer = new PacketWriter();
  writer.addPlain(new TextEncoder().encode("SSH-2.0-test\r\n"));
  for (const payload of payloads) writer.add(payload);
  for (let batch = writer.take(); batch; batch = writer.take()) await ours.write(batch);
  await ours.end();
  const [error, answer] = await Promise.all([running, readAll(ours)]);
  await transport.close();
  const reader = new PacketReader();
  reader.add(answer.subarray(answer.indexOf(10) + 1));
  const types: number[] = [];
  let reason: number | undefined;
  // Our reader has no keys for what follows SSH_MSG_NEWKEYS.
  while (types.at(-1) !== Message.newKeys) {
    const payload = reader.next();
    if (!payload) break;
    types.push(payload[0]!);
    if (payload[0] === Message.disconnect) reason = new Reader(payload.subarray(1)).uint32();
  }
  return { error: error?.message, types, reason, passedOn };
}

Deno.test("Transport exchanges keys and says which algorithms it uses", async () => {
  const { error, types } = await send(kexinit(), exchangeInit());
  assert.deepEqual([error, types], [undefined, [20, 31, 21]]);
});

Deno.test("Transport passes nothing on before keys are in use", async () => {
  for (const type of [Message.serviceRequest, Message.userauthRequest, Message.channelOpen, 192]) {
    for (const before of [[], [kexinit()], [kexinit(), exchangeInit()]]) {
      const { error, passedOn } = await send(...before, Uint8Array.of(type, 0, 0, 0, 0));
      assert.match(error!, /^the client sent message \d+ while exchanging keys$/);
      assert.deepEqual(passedOn, []);
    }
  }
});

Deno.test("Transport refuses messages of a key exchange out of their order", async () => {
  const cases: [Uint8Array[], RegExp][] = [
    [[NEW_KEYS], /NEWKEYS too early/],
    [[kexinit(), NEW_KEYS], /NEWKEYS too early/],
    [[exchangeInit()], /not expected/],
    [[kexinit(), kexinit()], /KEXINIT twice/],
    [[kexinit(), exchangeInit(), kexinit()], /KEXINIT twice/],
    [[kexinit(), exchangeInit(), exchangeInit()], /not expected/],
    [[kexinit(), Uint8Array.of(32, 0, 0, 0, 0)], /wrong key exchange message/],
    [[kexinit(), Uint8Array.of(30, 0, 0, 0, 9)], /ends too early/],
    [[kexinit(), new Writer().raw(exchangeInit()).byte(0).bytes()], /too long/],
  ];
  for (const [payloads, message] of cases) assert.match((await send(...payloads)).error!, message);
});

Deno.test("Transport tells a client that has no algorithm in common", async () => {
  const { types, reason } = await send(kexinit().map((byte) => byte === 53 ? 54 : byte));
  assert.deepEqual([types, reason], [[20, 1], 3]);
});

Deno.test("Transport takes no packet of more than 35,000 bytes before that is allowed", async () => {
  const ignore = (length: number) =>
    new Writer().byte(Message.ignore).string(new Uint8Array(length)).bytes();
  assert.equal((await send(kexinit(), ignore(34_900))).error, undefined);
  assert.match((await send(kexinit(), ignore(35_000))).error!, /length is invalid/);
});

Deno.test("Transport under strict key exchange takes nothing but the exchange", async () => {
  assert.equal((await send(IGNORE, kexinit(), IGNORE, exchangeInit(), IGNORE)).error, undefined);
  assert.equal((await send(kexinit(STRICT), exchangeInit())).error, undefined);
  assert.match((await send(IGNORE, kexinit(STRICT))).error!, /did not begin with/);
  const between = await send(kexinit(STRICT), IGNORE, exchangeInit());
  assert.match(between.error!, /message 2 while exchanging keys/);
  const after = await send(kexinit(STRICT), exchangeInit(), IGNORE, NEW_KEYS);
  assert.match(after.error!, /message 2 while exchanging keys/);
});
