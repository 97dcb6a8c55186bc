import { deepEqual, equal, match, throws } from "node:assert/strict";
import { generateHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { Message } from "../../../lib/ssh/protocol/numbers.ts";
import { Reader } from "../../../lib/ssh/protocol/wire_format.ts";
import { KeyExchanges } from "../../../lib/ssh/transport/key_exchanges.ts";
import type { Outgoing } from "../../../lib/ssh/transport/outgoing.ts";
import type { PacketReader } from "../../../lib/ssh/transport/packet_reader.ts";
import { exchangeInit, kexinit, NEW_KEYS } from "../../support/key_exchange_client.ts";

const GiB = 2 ** 30;
const STRICT = "kex-strict-c-v00@openssh.com";
const VERSION = new TextEncoder().encode("SSH-2.0-test");

/** What new keys begin with: packets are counted from 0 again under strict rules. */
type NewKeys = "keys" | "keys, from 0";

/** Key exchanges whose packets are kept: the types of what was sent. */
function start(sequence = 1) {
  const sent: (number | NewKeys)[] = [];
  const payloads: Uint8Array[] = [];
  const received: NewKeys[] = [];
  const keys = (reset: boolean) => reset ? "keys, from 0" : "keys";
  const outgoing = {
    send: (payload: Uint8Array) => {
      sent.push(payload[0]!);
      payloads.push(payload);
    },
    setSealer: (_: unknown, reset: boolean) => void sent.push(keys(reset)),
  } as unknown as Outgoing;
  const reader = {
    sequence,
    setOpener: (_: unknown, reset: boolean) => void received.push(keys(reset)),
  } as unknown as PacketReader;
  const exchanges = new KeyExchanges({
    hostKeys: [generateHostKey()],
    serverVersion: VERSION,
    reader,
    outgoing,
  });
  exchanges.begin(VERSION);
  return { exchanges, sent, payloads, received };
}

function exchange(exchanges: KeyExchanges, ...kex: string[]): void {
  for (const payload of [kexinit(...kex), exchangeInit(), NEW_KEYS]) {
    equal(exchanges.receive(payload), true);
  }
}

const REPLY = [Message.exchangeReply, Message.newKeys, "keys"];

Deno.test("KeyExchanges keeps packets from SSH_MSG_KEXINIT until there are new keys", () => {
  const { exchanges, sent } = start();
  for (let round = 0; round < 2; round++) {
    equal(exchanges.isHolding, true);
    equal(exchanges.send(Uint8Array.of(100)), true);
    exchanges.receive(kexinit());
    equal(exchanges.send(Uint8Array.of(101), new Uint8Array(9)), true);
    deepEqual(sent.splice(0), [Message.kexinit]);
    exchanges.receive(exchangeInit());
    equal(exchanges.isHolding, false);
    deepEqual(sent.splice(0), [...REPLY, 100, 101]);
    exchanges.receive(NEW_KEYS);
    equal(exchanges.send(Uint8Array.of(102)), true);
    deepEqual(sent.splice(0), [102]);
    exchanges.count(GiB + 1);
  }
});

Deno.test("KeyExchanges keeps 1 MiB at most, in each exchange", () => {
  const { exchanges } = start();
  for (let round = 0; round < 2; round++) {
    // Each packet counts 100 bytes more.
    equal(exchanges.send(new Uint8Array(2 ** 20 - 300), new Uint8Array(100)), true);
    equal(exchanges.send(new Uint8Array()), true);
    equal(exchanges.send(new Uint8Array()), false);
    exchange(exchanges);
    exchanges.count(GiB + 1);
  }
});

Deno.test("KeyExchanges starts another one after more than 1 GiB, unless one is under way", () => {
  const { exchanges, sent } = start();
  exchanges.count(5 * GiB);
  for (let round = 0; round < 2; round++) {
    exchange(exchanges);
    exchanges.count(GiB);
    deepEqual(sent.splice(0), [Message.kexinit, ...REPLY]);
    exchanges.count(1);
    exchanges.count(1);
  }
  deepEqual(sent, [Message.kexinit]);
});

Deno.test("KeyExchanges lets the client start one, and send other packets until then", () => {
  const { exchanges, sent } = start();
  equal(exchanges.permits(true), true);
  equal(exchanges.permits(false), false);
  exchange(exchanges);
  const id = exchanges.sessionId;
  equal(exchanges.permits(false), true);
  equal(exchanges.receive(Uint8Array.of(Message.userauthRequest)), false);
  exchanges.receive(kexinit());
  deepEqual(sent, [Message.kexinit, ...REPLY, Message.kexinit]);
  equal(exchanges.permits(true), true);
  equal(exchanges.permits(false), false);
  exchanges.receive(exchangeInit());
  exchanges.receive(NEW_KEYS);
  deepEqual(exchanges.sessionId, id);
  throws(() => exchanges.receive(NEW_KEYS), /SSH_MSG_NEWKEYS too early/);
});

Deno.test("KeyExchanges follows strict rules if the first SSH_MSG_KEXINIT has them, and then always", () => {
  const { exchanges, sent, received } = start();
  exchange(exchanges, STRICT);
  exchange(exchanges);
  deepEqual(received, ["keys, from 0", "keys, from 0"]);
  deepEqual(sent.filter((each) => typeof each === "string"), received);
  const other = start();
  exchange(other.exchanges);
  exchange(other.exchanges, STRICT);
  deepEqual(other.received, ["keys", "keys"]);
  throws(() => exchange(start(2).exchanges, STRICT), /did not begin with SSH_MSG_KEXINIT/);
  exchange(start(2).exchanges);
});

Deno.test("KeyExchanges tells a client that asks which signatures it takes, once", () => {
  const { exchanges, sent, payloads } = start();
  exchange(exchanges, "ext-info-c");
  exchange(exchanges, "ext-info-c");
  const rekeyed = [Message.kexinit, ...REPLY];
  deepEqual(sent, [Message.kexinit, ...REPLY, Message.extInfo, ...rekeyed]);
  const info = new Reader(payloads.find(([type]) => type === Message.extInfo)!.subarray(1));
  equal(info.uint32(), 1);
  equal(info.text(), "server-sig-algs");
  match(info.text(), /^ssh-ed25519,.*rsa-sha2-256/);
  equal(info.left, 0);
  const silent = start();
  exchange(silent.exchanges);
  equal(silent.sent.includes(Message.extInfo), false);
});
