import assert from "node:assert/strict";
import { type Dropped, Guard } from "../../../lib/server/sockets/guard.ts";
import type { GuardedSocket } from "../../../lib/server/sockets/guarded_connection.ts";
import type { OwnSocket, Sockets } from "../../../lib/server/sockets/own_sockets.ts";

const MiB = 2 ** 20;

/** Connections, memory and time that change only when a test says so. */
class World implements Sockets {
  time = 0;
  memory = 100 * MiB;
  /** How long it takes to look at a connection, in milliseconds. */
  slowness = 0;
  readonly open = new Map<string, OwnSocket>();
  readonly dropped: Dropped[] = [];
  readonly calls: string[] = [];
  readonly guard = new Guard({
    sockets: this,
    port: 8000,
    onDropped: (dropped) => this.dropped.push(dropped),
    now: () => this.time,
    memory: () => this.memory,
  });

  *slices(port: number): Iterable<OwnSocket[]> {
    assert.equal(port, 8000);
    for (const socket of this.open.values()) {
      this.time += this.slowness;
      yield [{ ...socket }];
    }
  }

  end({ peer }: OwnSocket): void {
    this.open.delete(peer);
  }

  prepare(port: number, bytes: number): void {
    this.calls.push(`prepare ${port} ${bytes}`);
  }

  stopListening(port: number): void {
    this.calls.push(`stopListening ${port}`);
  }

  [Symbol.dispose](): void {}

  connect(peer: string): OwnSocket {
    const socket = { fd: 9, peer, received: 500, unread: 0, acknowledged: 0, sending: false };
    this.open.set(peer, socket);
    return socket;
  }

  /** Lets time pass in steps in which the guard looks at all there is. */
  pass(milliseconds: number): void {
    for (const end = this.time + milliseconds; this.time < end;) {
      this.time += 100;
      this.guard.tick();
    }
  }

  /** Looks at all connections at once. */
  look(): void {
    this.time += 60_000;
    this.memory += 17 * MiB;
    this.guard.tick();
  }
}

function websocket(fields: Partial<GuardedSocket> = {}) {
  const dropped: string[] = [];
  return {
    delivered: 0,
    maxMessage: MiB,
    paired: true,
    closing: false,
    closed: new Promise<void>(() => {}),
    drop: (reason: string) => void dropped.push(reason),
    dropped,
    ...fields,
  };
}

Deno.test("Guard ends a message beyond its limit when memory grows, and no other connection", () => {
  const world = new World();
  const [flood, honest] = ["192.0.2.1:1", "192.0.2.1:2"].map((peer) => world.connect(peer));
  const sockets = [websocket(), websocket()];
  world.guard.upgraded(flood!.peer, sockets[0]!);
  world.guard.upgraded(honest!.peer, sockets[1]!);
  flood!.received += 2 * MiB;
  honest!.received += 50 * MiB;
  sockets[1]!.delivered += 50 * MiB;
  world.memory += 17 * MiB;
  world.guard.tick();
  const reason = "a message of more than 1.0 MB";
  const peer = flood!.peer;
  assert.deepEqual(world.dropped, [{ label: "message-too-long", reason, peer }]);
  assert.deepEqual(sockets.map(({ dropped }) => dropped), [[reason], []]);
  assert.deepEqual([...world.open.keys()], [honest!.peer]);
});

Deno.test("Guard takes a tenth of the time at most, unless memory grows fast", () => {
  const world = new World();
  world.slowness = 1_000;
  const peer = world.connect("a");
  world.guard.upgraded("a", websocket());
  world.look();
  peer.received += 2 * MiB;
  for (const [growth, dropped] of [[17, 0], [20, 0], [20, 1]] as const) {
    world.time += 100;
    world.memory += growth * MiB;
    world.guard.tick();
    assert.equal(world.dropped.length, dropped);
  }
  const late = world.connect("b");
  world.guard.upgraded("b", websocket());
  late.received += 2 * MiB;
  world.time += 30_000;
  world.memory += 17 * MiB;
  world.guard.tick();
  assert.equal(world.dropped.length, 2, "after nine times what the last look took");
});

Deno.test("Guard looks every two seconds, and counts memory from the last look for its sake", () => {
  const world = new World();
  const peer = world.connect("a");
  world.guard.upgraded("a", websocket());
  const tickTwice = () => {
    for (let i = 0; i < 2; i++) world.guard.tick();
    return world.dropped.length;
  };
  // Nothing is looked at before the first two seconds are over.
  const early = Object.assign(world.connect("early"), { received: 2 * MiB });
  world.guard.upgraded("early", websocket());
  world.time = 1_999;
  assert.equal(tickTwice(), 0);
  world.open.delete(early.peer);
  world.memory += 10 * MiB;
  world.time = 2_000;
  tickTwice();
  peer.received += 2 * MiB;
  world.time = 3_999;
  assert.equal(tickTwice(), 0);
  world.time = 4_000;
  assert.equal(tickTwice(), 1);
  const other = world.connect("b");
  world.guard.upgraded("b", websocket());
  other.received += 2 * MiB;
  world.time += 100;
  world.memory += 7 * MiB;
  world.guard.tick();
  assert.equal(world.dropped.length, 2, "17 MiB more than at the start");
});

Deno.test("Guard bounds what the kernel keeps for each connection, and frees the port", () => {
  const world = new World();
  world.guard.listening();
  world.guard.stopListening();
  assert.deepEqual(world.calls, ["prepare 8000 16384", "stopListening 8000"]);
});

Deno.test("Guard looks when it is time, too, and forgets what a message has delivered", () => {
  const world = new World();
  const socket = world.connect("192.0.2.1:1");
  const guarded = websocket();
  world.guard.upgraded(socket.peer, guarded);
  for (let i = 0; i < 10; i++) {
    // Frames cost more than is counted as delivered.
    socket.received += 900_000;
    guarded.delivered += 1;
    world.pass(3_000);
  }
  assert.equal(world.dropped.length, 0);
  for (let i = 0; i < 3; i++) {
    socket.received += 400_000;
    world.pass(3_000);
  }
  assert.equal(world.dropped.at(0)?.label, "message-too-long");
});

Deno.test("Guard ends the longest of many incomplete messages when they are too many", () => {
  const world = new World();
  for (let i = 1; i <= 20; i++) {
    const socket = world.connect(`192.0.2.1:${i}`);
    socket.received += i * MiB / 2;
    world.guard.upgraded(socket.peer, websocket({ maxMessage: 17 * MiB }));
  }
  world.look();
  assert.ok(world.dropped.length > 5 && world.dropped.length < 15, `${world.dropped.length}`);
  assert.equal(world.dropped[0]!.peer, "192.0.2.1:20");
  assert.ok(world.open.has("192.0.2.1:1"));
});

Deno.test("Guard leaves incomplete messages alone up to 32 MiB, then ends down to the half", () => {
  const world = new World();
  const sockets = Array.from({ length: 4 }, (_, i) => {
    const socket = Object.assign(world.connect(`192.0.2.1:${i}`), { received: 8 * MiB });
    world.guard.upgraded(socket.peer, websocket({ maxMessage: 17 * MiB }));
    return socket;
  });
  world.look();
  assert.equal(world.dropped.length, 0);
  sockets[2]!.received++;
  world.look();
  assert.deepEqual(world.dropped.map(({ peer }) => peer), ["192.0.2.1:2", "192.0.2.1:0"]);
});

Deno.test("Guard never ends an incomplete message of up to 1 MiB, nor counts requests for one", () => {
  const world = new World();
  const upload = Object.assign(world.connect("192.0.2.2:1"), { received: 100 * MiB });
  world.guard.request(upload.peer);
  world.look();
  for (let i = 0; i < 40; i++) {
    const socket = Object.assign(world.connect(`192.0.2.1:${i}`), { received: MiB });
    world.guard.upgraded(socket.peer, websocket({ maxMessage: 17 * MiB }));
  }
  world.look();
  assert.equal(world.dropped.length, 0);
  world.open.get("192.0.2.1:39")!.received += MiB;
  world.look();
  assert.deepEqual(world.dropped.map(({ peer }) => peer), ["192.0.2.1:39"]);
});

Deno.test("Guard says nothing of connections that are gone, and forgets them", () => {
  const world = new World();
  const socket = world.connect("192.0.2.1:1");
  world.guard.request(socket.peer)();
  world.guard.request("192.0.2.1:2");
  world.connect("192.0.2.1:4");
  world.pass(3_000);
  world.open.delete(socket.peer);
  world.open.delete("192.0.2.1:4");
  world.connect("192.0.2.1:3");
  world.guard.request("192.0.2.1:3");
  world.time += 300_000;
  world.look();
  assert.deepEqual(world.dropped, []);
  world.look();
  // Another one from that port has 15 s again.
  world.connect(socket.peer).received = 5_000;
  world.pass(20_000);
  assert.deepEqual(world.dropped.map(({ peer }) => peer), [socket.peer]);
});

Deno.test("Guard forgets a websocket once it is closed, and no later one from the same port", async () => {
  const world = new World();
  const socket = world.connect("192.0.2.1:1");
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.guard.upgraded(socket.peer, websocket({ closed: first.promise }));
  world.pass(3_000);
  socket.received = 100;
  world.pass(3_000);
  world.guard.upgraded(socket.peer, websocket({ closed: second.promise }));
  first.resolve();
  await first.promise;
  world.pass(30_000);
  assert.equal(world.open.size, 1);
  second.resolve();
  await second.promise;
  world.pass(20_000);
  assert.deepEqual(world.dropped.map(({ label }) => label), ["no-request"]);
});

Deno.test("Guard ends a connection that brings no request in 15 seconds", () => {
  const world = new World();
  const slow = world.connect("192.0.2.1:1");
  world.connect("192.0.2.1:2");
  world.pass(10_000);
  world.guard.request("192.0.2.1:2")();
  slow.received += 1;
  world.pass(10_000);
  assert.deepEqual(world.dropped.map(({ label, peer }) => [label, peer]), [
    ["no-request", slow.peer],
  ]);
});

Deno.test("Guard leaves a connection between requests alone for three minutes", () => {
  const world = new World();
  const socket = world.connect("192.0.2.1:1");
  const answered = world.guard.request(socket.peer);
  world.pass(300_000);
  answered();
  world.pass(170_000);
  assert.equal(world.open.size, 1);
  world.pass(20_000);
  assert.equal(world.open.size, 0);
  assert.deepEqual(world.dropped, []);
});

Deno.test("Guard ends a closed websocket whose peer takes nothing, and no slow one", () => {
  const world = new World();
  const [stuck, slow] = ["192.0.2.1:1", "192.0.2.1:2"].map((peer) => world.connect(peer));
  for (const socket of [stuck!, slow!]) {
    socket.sending = true;
    world.guard.upgraded(socket.peer, websocket({ closing: true }));
  }
  for (let i = 0; i < 100; i++) {
    slow!.acknowledged += 2_000;
    world.pass(5_000);
  }
  assert.deepEqual(world.dropped.map(({ label, peer }) => [label, peer]), [
    ["takes-nothing", stuck!.peer],
  ]);
});

Deno.test("Guard ends a peer that takes a byte now and then, before a close and of a response", () => {
  const world = new World();
  const [closed, response] = ["192.0.2.1:1", "192.0.2.1:2"].map((peer) => world.connect(peer));
  closed!.sending = response!.sending = true;
  world.guard.upgraded(closed!.peer, websocket({ closing: true }));
  world.guard.request(response!.peer);
  for (let i = 0; i < 14; i++) {
    closed!.acknowledged += 1;
    response!.acknowledged += 1;
    world.pass(5_000);
  }
  assert.deepEqual(world.dropped.map(({ label, peer }) => [label, peer]), [
    ["takes-nothing", closed!.peer],
    ["takes-nothing", response!.peer],
  ]);
});

Deno.test("Guard ends a websocket ten minutes after its close, however much its peer takes", () => {
  const world = new World();
  const [closed, response] = ["192.0.2.1:1", "192.0.2.1:2"].map((peer) => world.connect(peer));
  closed!.sending = response!.sending = true;
  world.guard.upgraded(closed!.peer, websocket({ closing: true }));
  world.guard.request(response!.peer);
  for (let i = 0; i < 605; i++) {
    closed!.acknowledged += 2_000;
    response!.acknowledged += 2_000;
    world.pass(1_000);
    if (i === 590) assert.equal(world.open.size, 2);
  }
  assert.deepEqual(world.dropped.map(({ reason, peer }) => [reason, peer]), [
    ["the peer took too long until the close", closed!.peer],
  ]);
});

Deno.test("Guard ends a response that is not taken, and no open websocket", () => {
  const world = new World();
  const [response, open] = ["192.0.2.1:1", "192.0.2.1:2"].map((peer) => world.connect(peer));
  response!.sending = open!.sending = true;
  world.guard.request(response!.peer);
  world.guard.upgraded(open!.peer, websocket());
  world.pass(70_000);
  assert.deepEqual(world.dropped.map(({ label, peer }) => [label, peer]), [
    ["takes-nothing", response!.peer],
  ]);
});

Deno.test("Guard takes a new connection from the same port for what it is", () => {
  const world = new World();
  const socket = world.connect("192.0.2.1:1");
  socket.received = 900_000;
  world.guard.upgraded(socket.peer, websocket({ closing: true }));
  world.pass(3_000);
  socket.received = 100;
  world.pass(10_000);
  assert.equal(world.open.size, 1);
  world.pass(10_000);
  assert.deepEqual(world.dropped.map(({ label }) => label), ["no-request"]);
});

Deno.test("Guard bounds a connection from the port of one whose end it has not heard of", async () => {
  const world = new World();
  const peer = "192.0.2.1:1";
  const ended = Promise.withResolvers<void>();
  world.guard.request(peer);
  world.guard.upgraded(peer, websocket({ closed: ended.promise }));
  world.connect(peer);
  world.look();
  world.guard.request(peer)();
  const flood = world.connect(peer);
  const second = websocket();
  world.guard.upgraded(peer, second);
  ended.resolve();
  await ended.promise;
  flood.received += 2 * MiB;
  world.look();
  assert.deepEqual(world.dropped.map(({ label }) => label), ["message-too-long"]);
  assert.equal(second.dropped.length, 1);
});

Deno.test("Guard bounds a connection that asks from the port of one that it has seen", () => {
  const world = new World();
  const peer = "192.0.2.1:1";
  const former = world.connect(peer);
  former.received = 163;
  world.look();
  // Shorter, and upgraded before a pass has seen it.
  const flood = world.connect(peer);
  flood.received = 152;
  world.guard.request(peer)();
  const second = websocket();
  world.guard.upgraded(peer, second);
  world.look();
  assert.deepEqual(world.dropped, []);
  flood.received += 2 * MiB;
  world.look();
  assert.deepEqual(world.dropped.map(({ label }) => label), ["message-too-long"]);
  assert.equal(second.dropped.length, 1);
});
