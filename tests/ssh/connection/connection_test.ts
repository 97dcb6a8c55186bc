/** A connection message by message, without a transport: its channels, requests and limits. */
import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { createLog } from "../../../lib/log/log.ts";
import {
  ServerConnection,
  type ServerConnectionOptions,
} from "../../../lib/ssh/connection/connection.ts";
import { type Channel, Refused } from "../../../lib/ssh/connection/handler.ts";
import { unrestricted } from "../../../lib/ssh/login/key_options.ts";
import { Message, OpenFailure } from "../../../lib/ssh/protocol/numbers.ts";
import { MalformedError, Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import type { Transport } from "../../../lib/ssh/transport/transport.ts";

/** A connection whose transport is a list of messages. */
class Harness {
  readonly sent: Uint8Array[] = [];
  readonly lines: string[] = [];
  readonly opened: string[] = [];
  inputs = 0;
  refusedPackets = 0;
  readonly connection: ServerConnection;

  constructor(options: Partial<Pick<ServerConnectionOptions, "channels" | "globalRequests">> = {}) {
    const transport = {
      isWritable: true,
      packetSize: 32_768,
      send: (message: Uint8Array) => this.sent.push(message.slice()),
      refusePacket: () => this.refusedPackets++,
    } as unknown as Transport;
    this.connection = new ServerConnection(transport, {
      id: 1,
      address: "192.0.2.1",
      permissions: unrestricted(),
      log: createLog({ level: "debug", write: (line) => this.lines.push(line) }),
      channels: {},
      globalRequests: {},
      onInput: () => this.inputs++,
      onChannel: (type) => this.opened.push(type),
      ...options,
    });
    // A request that the client has to answer, by which its way is timed.
    const asked = new Writer().byte(Message.globalRequest).string("keepalive@openssh.com");
    deepEqual(this.sent.splice(0), [asked.boolean(true).bytes()]);
    // Its first message asks for an answer, whose time bounds the windows.
    this.sent.length = 0;
  }

  receive(type: number, message = new Writer()): void {
    this.connection.receive(type, new Writer().byte(type).raw(message.bytes()).bytes());
  }

  /** The client asks for a channel, which it numbers `remoteId`. */
  open(type: string, remoteId = 7, packetSize = 1000): void {
    const message = new Writer().string(type).uint32(remoteId).uint32(1000).uint32(packetSize);
    this.receive(Message.channelOpen, message);
  }

  /** The client sends a request on a channel. */
  request(localId: number, type: string, wantReply = true): void {
    const message = new Writer().uint32(localId).string(type).boolean(wantReply);
    this.receive(Message.channelRequest, message);
  }

  globalRequest(name: string, wantReply = true): void {
    this.receive(Message.globalRequest, new Writer().string(name).boolean(wantReply));
  }

  /** The types of all messages so far. */
  get types(): number[] {
    return this.sent.map(([type]) => type!);
  }

  /** The reason and the text of the last refusal of a channel. */
  get refusal(): [reason: number, text: string] {
    const reader = new Reader(this.sent.at(-1)!);
    equal(reader.byte(), Message.channelOpenFailure);
    equal(reader.uint32(), 7);
    return [reader.uint32(), reader.text()];
  }
}

/** Lets handlers run that wait for nothing. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A handler that keeps its channels open until the connection ends. */
function keep(channels: Channel[] = []): ServerConnectionOptions["channels"][string] {
  return async ({ accept, connection }) => {
    channels.push(accept());
    await new Promise((resolve) => connection.signal.addEventListener("abort", resolve));
  };
}

Deno.test("channels of unknown types are refused, names of objects' own members too", async () => {
  const harness = new Harness({ channels: { session: keep() } });
  for (const type of ["x11", "constructor", "__proto__", ""]) {
    harness.open(type);
    await turns();
    deepEqual(harness.refusal, [OpenFailure.unknownChannelType, "unknown channel type"]);
  }
  deepEqual(harness.opened, []);
});

Deno.test("a handler refuses a channel by what it throws, or by not accepting it", async () => {
  const reason = OpenFailure.administrativelyProhibited;
  const errors: Record<string, Error | undefined> = {
    plain: new Refused("not here"),
    reasoned: new Refused("not ever", reason),
    broken: new TypeError("oops"),
    idle: undefined,
  };
  const channels = Object.fromEntries(
    Object.entries(errors).map((
      [type, error],
    ) => [type, () => error ? Promise.reject(error) : Promise.resolve()]),
  );
  const harness = new Harness({ channels });
  const refusals: [number, string][] = [];
  for (const type of Object.keys(errors)) {
    harness.open(type);
    await turns();
    refusals.push(harness.refusal);
  }
  deepEqual(refusals, [
    [OpenFailure.connectFailed, "not here"],
    [reason, "not ever"],
    [OpenFailure.connectFailed, "oops"],
    [OpenFailure.connectFailed, "no handler accepted it"],
  ]);
  deepEqual(harness.lines.map((line) => line.split(" ")[1]), ["debug", "debug", "warn", "debug"]);
});

Deno.test("a handler's channel is closed when the handler is done, or has failed", async () => {
  const harness = new Harness({
    channels: {
      done: ({ accept }) => Promise.resolve(void accept()),
      failed: ({ accept }) => {
        accept();
        return Promise.reject(new Error("lost the file"));
      },
    },
  });
  const expected = [Message.channelOpenConfirmation, Message.channelClose];
  harness.open("done");
  await turns();
  deepEqual(harness.types, expected);
  deepEqual(harness.lines, []);
  harness.open("failed");
  await turns();
  deepEqual(harness.types, [...expected, ...expected]);
  match(harness.lines.join(""), /^\S+ warn channel failed type=failed reason="lost the file"\n$/);
});

Deno.test("a channel is accepted once, and not after the end", async () => {
  const errors: unknown[] = [];
  const attempt = (accept: () => Channel) => {
    try {
      accept();
    } catch (error) {
      errors.push(error);
    }
  };
  const harness = new Harness({
    channels: {
      twice: ({ accept }) => {
        attempt(accept);
        attempt(accept);
        return Promise.resolve();
      },
      late: async ({ accept, connection }) => {
        await new Promise((resolve) => connection.signal.addEventListener("abort", resolve));
        attempt(accept);
      },
    },
  });
  harness.open("twice");
  harness.open("late");
  await harness.connection.drain();
  deepEqual(errors.map(String), [
    "Error: the channel is already accepted",
    "Refused: the connection has ended",
  ]);
  deepEqual(harness.opened, ["twice"]);
});

Deno.test("a client has 1000 channels, those being opened and ours among them", async () => {
  const harness = new Harness({
    channels: {
      kept: keep(),
      waiting: () => new Promise(() => {}),
      quick: () => Promise.resolve(),
    },
  });
  for (let i = 0; i < 500; i++) harness.open("kept");
  for (let i = 0; i < 499; i++) harness.open("waiting");
  const ours = harness.connection.openChannel("ours", new Uint8Array());
  harness.open("kept");
  await turns();
  deepEqual(harness.refusal, [OpenFailure.resourceShortage, "too many channels"]);
  await rejects(harness.connection.openChannel("ours", new Uint8Array()), /too many channels/);
  equal(harness.opened.length, 500);
  // A channel that closes makes room for another.
  harness.receive(Message.channelClose, new Writer().uint32(0));
  harness.open("kept");
  await turns();
  equal(harness.opened.length, 501);
  const failure = new Writer().uint32(500).uint32(1).string("").string("");
  harness.receive(Message.channelOpenFailure, failure);
  await rejects(ours, /refused by the client/);
  harness.open("kept");
  await turns();
  equal(harness.opened.length, 502);
});

Deno.test("refused channels leave room for others", async () => {
  const harness = new Harness({ channels: { kept: keep() } });
  for (let i = 0; i < 1001; i++) harness.open("unknown");
  await turns();
  harness.open("kept");
  await turns();
  deepEqual(harness.opened, ["kept"]);
});

Deno.test("a client has 100 sessions, and another when one has ended", async () => {
  const ends: (() => void)[] = [];
  const session = async ({ accept }: { accept(): Channel }) => {
    accept();
    await new Promise<void>((resolve) => ends.push(resolve));
  };
  const quick = ({ accept }: { accept(): Channel }) => Promise.resolve(void accept());
  const harness = new Harness({ channels: { session, quick, kept: keep() } });
  for (let i = 0; i < 3; i++) harness.open("quick");
  await turns();
  harness.opened.length = 0;
  for (let i = 0; i < 100; i++) harness.open("session");
  harness.open("session");
  await turns();
  equal(harness.opened.length, 100);
  deepEqual(harness.refusal, [OpenFailure.resourceShortage, "too many sessions"]);
  harness.open("kept");
  equal(harness.opened.at(-1), "kept");
  ends[0]!();
  await turns();
  harness.open("session");
  equal(harness.opened.at(-1), "session");
});

Deno.test("a client that wants no more sessions gets none, and other channels", async () => {
  const harness = new Harness({ channels: { session: keep(), kept: keep() } });
  harness.globalRequest("another");
  harness.open("session");
  harness.globalRequest("no-more-sessions@openssh.com");
  harness.open("session");
  await turns();
  const refused = harness.sent.findLast(([type]) => type === Message.channelOpenFailure)!;
  equal(new Reader(refused.subarray(5)).uint32(), OpenFailure.administrativelyProhibited);
  equal(harness.types.at(-1), Message.requestSuccess);
  harness.open("kept");
  deepEqual(harness.opened, ["session", "kept"]);
});

Deno.test("a packet size of 0 opens no channel", async () => {
  const harness = new Harness({ channels: { kept: keep() } });
  harness.open("kept", 7, 0);
  await turns();
  equal(harness.refusal[1], "a channel with a packet size of 0");
  const ours = harness.connection.openChannel("ours", new Uint8Array());
  const message = new Writer().uint32(0).uint32(9).uint32(1000).uint32(0);
  throws(() => harness.receive(Message.channelOpenConfirmation, message), MalformedError);
  await Promise.all([rejects(ours, /the connection has ended/), harness.connection.end()]);
});

Deno.test("the client opens our channel, refuses it, or disconnects", async () => {
  const harness = new Harness();
  const { connection } = harness;
  const [one, two, three] = [1, 2, 3].map(() => connection.openChannel("ours", new Uint8Array()));
  const failure = new Writer().uint32(1).uint32(2).string("no listener").string("");
  harness.receive(Message.channelOpenFailure, failure);
  const confirmation = new Writer().uint32(0).uint32(9).uint32(1000).uint32(1000);
  harness.receive(Message.channelOpenConfirmation, confirmation);
  deepEqual(harness.opened, ["ours"]);
  await rejects(two!, { name: "Refused", message: "no listener" });
  (await one!).request("ping");
  equal(harness.sent.at(-1)![4], 9, "it goes to the client's number");
  for (const type of [Message.channelOpenConfirmation, Message.channelOpenFailure]) {
    const again = new Writer().uint32(0).uint32(9).string("").string("");
    throws(() => harness.receive(type, again), MalformedError);
  }
  await Promise.all([connection.end(), rejects(three!, /the connection has ended/)]);
  await rejects(connection.openChannel("ours", new Uint8Array()), /the connection has ended/);
});

Deno.test("requests on a channel are answered in order, if the client wants that", async () => {
  const channels: Channel[] = [];
  const served = new Harness({ channels: { kept: keep(channels) } });
  served.open("kept");
  const order: string[] = [];
  served.connection.onChannelRequest(channels[0]!, async (type) => {
    order.push(type);
    if (type === "slow") await turns();
    if (type === "refused") throw new Refused("no");
    if (type === "broken") throw new TypeError("oops");
    return () => order.push(`${type} was answered ${served.sent.length - 1}`);
  });
  for (const type of ["slow", "quick", "refused", "broken"]) served.request(0, type);
  served.request(0, "silent", false);
  served.request(0, "refused", false);
  for (let i = 0; i < 5; i++) await turns();
  deepEqual(order, [
    ...["slow", "slow was answered 1", "quick", "quick was answered 2"],
    ...["refused", "broken", "silent", "silent was answered 4", "refused"],
  ]);
  deepEqual(served.types.slice(1, 5), [99, 99, 100, 100]);
  deepEqual(served.lines.map((line) => line.split(" ")[1]), ["debug", "warn", "debug"]);
  const unserved = new Harness({ channels: { kept: keep() } });
  unserved.open("kept");
  unserved.request(0, "anything");
  unserved.request(0, "anything", false);
  await turns();
  deepEqual(unserved.types.slice(1), [Message.channelFailure]);
  deepEqual(unserved.lines.map((line) => line.split(" ")[1]), ["debug", "debug"]);
});

Deno.test("global requests are answered in order, with the handler's data", async () => {
  const harness = new Harness({
    globalRequests: {
      slow: () => turns(),
      data: () => Promise.resolve(new Uint8Array([42])),
      broken: () => Promise.reject(new TypeError("oops")),
    },
  });
  for (const name of ["slow", "data", "broken", "unknown", "constructor"]) {
    harness.globalRequest(name);
  }
  harness.globalRequest("data", false);
  harness.globalRequest("unknown", false);
  await harness.connection.drain();
  deepEqual(harness.sent.map((message) => [...message]), [[81], [81, 42], [82], [82], [82]]);
});

Deno.test("messages without a meaning here are ignored or refused", () => {
  const harness = new Harness();
  for (const type of [Message.requestSuccess, Message.requestFailure, Message.userauthRequest]) {
    harness.receive(type);
  }
  equal(harness.refusedPackets, 0);
  for (const type of [Message.requestFailure + 1, Message.channelFailure + 1, 200]) {
    harness.receive(type);
  }
  equal(harness.refusedPackets, 3);
  harness.receive(Message.channelData, new Writer().uint32(3).string("late"));
  deepEqual([harness.refusedPackets, harness.inputs], [3, 0]);
});

Deno.test("a channel's messages reach it until the client closes it", async () => {
  const channels: Channel[] = [];
  const harness = new Harness({ channels: { kept: keep(channels) } });
  harness.open("kept");
  const [channel] = channels;
  harness.connection.onChannelRequest(channel!, () => Promise.resolve());
  const data = () => harness.receive(Message.channelData, new Writer().uint32(0).string("hello"));
  data();
  equal(harness.inputs, 1);
  equal(new TextDecoder().decode((await channel!.read())!), "hello");
  harness.receive(Message.channelEof, new Writer().uint32(0));
  equal(await channel!.read(), null);
  equal(harness.inputs, 1);
  harness.receive(Message.channelClose, new Writer().uint32(0));
  equal(await channel!.closed, undefined);
  data();
  harness.request(0, "late");
  await turns();
  equal(harness.inputs, 1);
  equal(harness.types.at(-1), Message.channelClose);
});

Deno.test("draining closes what has no requests, and waits for all handlers", async () => {
  const channels: Channel[] = [];
  const done = Promise.withResolvers<void>();
  const open = async ({ accept }: { accept(): Channel }) => {
    channels.push(accept());
    await done.promise;
  };
  const harness = new Harness({ channels: { session: open, kept: open } });
  harness.open("session", 1);
  harness.open("kept", 2);
  harness.connection.onChannelRequest(channels[0]!, () => Promise.resolve());
  let drained = false;
  const draining = harness.connection.drain().then(() => drained = true);
  await turns();
  equal(harness.connection.signal.aborted, true);
  deepEqual([harness.types.slice(2), drained], [[Message.channelClose], false]);
  equal(harness.sent.at(-1)![4], 2, "the client's number of the channel without requests");
  done.resolve();
  await draining;
  deepEqual(harness.types.slice(2), [Message.channelClose, Message.channelClose]);
});

Deno.test("the end closes all channels with its reason, and waits for tracked work", async () => {
  const channels: Channel[] = [];
  const harness = new Harness({ channels: { kept: keep(channels) } });
  harness.open("kept");
  const work = Promise.withResolvers<void>();
  harness.connection.track(work.promise.then(() => Promise.reject(new Error("lost"))));
  let ended = false;
  const lost = new Error("the connection was lost");
  const ending = harness.connection.end(lost).then(() => ended = true);
  equal(await channels[0]!.closed, lost);
  await turns();
  equal(ended, false);
  work.resolve();
  await ending;
  const last = Promise.withResolvers<void>();
  ended = false;
  harness.connection.track(last.promise);
  const endingAgain = harness.connection.end().then(() => ended = true);
  await turns();
  equal(ended, false, "one is waited for too");
  last.resolve();
  await endingAgain;
});
