import assert from "node:assert/strict";
import type { RawConnection } from "../../../lib/wire/raw_connection.ts";
import { WebSocketConnection } from "../../../lib/wire/websocket/connection.ts";
import { serverFrame } from "../../support/raw_websocket_server.ts";

const MIB = 1024 * 1024;

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Lets everything run that can run without more input. */
async function settle(progress: () => number = () => 0): Promise<void> {
  for (let idle = 0, last = progress(); idle < 5; idle++) {
    await turn();
    if (progress() !== last) idle = 0;
    last = progress();
  }
}

/** A server in memory that sends the same frame forever, or nothing. */
class FakeTransport implements RawConnection {
  readonly #frame: Uint8Array | undefined;
  readonly #ended = Promise.withResolvers<null>();
  #at = 0;
  /** How many bytes were read. */
  taken = 0;
  /** Sizes of what was written. */
  readonly writes: number[] = [];
  /** Called with each write; the write ends when it resolves. */
  onWrite: (bytes: Uint8Array) => Promise<void> = () => Promise.resolve();

  constructor(frame?: Uint8Array) {
    this.#frame = frame;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const frame = this.#frame;
    if (frame === undefined) return await this.#ended.promise;
    await turn();
    for (let at = 0; at < buffer.length;) {
      const part = frame.subarray(this.#at, this.#at + buffer.length - at);
      buffer.set(part, at);
      at += part.length;
      this.#at = (this.#at + part.length) % frame.length;
    }
    this.taken += buffer.length;
    return buffer.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.writes.push(bytes.length);
    await this.onWrite(bytes);
    return bytes.length;
  }

  close(): void {
    this.#ended.resolve(null);
  }
}

function open(transport: RawConnection, pingInterval = 60_000): WebSocketConnection {
  const rest = new Uint8Array(0);
  return new WebSocketConnection(transport, { protocol: "", rest, pingInterval, closeTimeout: 10 });
}

Deno.test("a reader that does not read holds the server up after 8 MiB, and is not lost", async () => {
  const transport = new FakeTransport(serverFrame(2, new Uint8Array(65_536)));
  const connection = open(transport, 20);
  await settle(() => transport.taken);
  const pinged = Promise.withResolvers<void>();
  let pings = 0;
  transport.onWrite = () => {
    if (++pings === 6) pinged.resolve();
    return Promise.resolve();
  };
  await pinged.promise;
  assert.ok(transport.taken > 8 * MIB && transport.taken < 9 * MIB, `${transport.taken}`);

  for (let count = 0; count < 300; count++) {
    assert.equal((await connection.receive() as Uint8Array).length, 65_536);
  }
  await settle(() => transport.taken);
  const ahead = transport.taken - 300 * 65_536;
  assert.ok(ahead > 7 * MIB && ahead < 9 * MIB, `${ahead}`);
  connection.close();
  assert.equal(await connection.closed, undefined);
  await settle();
});

Deno.test("a reader of parts that does not read holds the server up after 8 MiB", async () => {
  const transport = new FakeTransport(serverFrame(2, new Uint8Array(300_000)));
  const connection = open(transport);
  connection.receiveParts();
  await settle(() => transport.taken);
  assert.ok(transport.taken > 7 * MIB && transport.taken < 9 * MIB, `${transport.taken}`);
  let read = 0;
  while (read < 4 * MIB) read += (await connection.receive() as Uint8Array).length;
  await settle(() => transport.taken);
  const ahead = transport.taken - read;
  assert.ok(ahead > 7 * MIB && ahead < 9 * MIB, `${ahead}`);
  connection.close();
  await connection.closed;
  await settle();
});

Deno.test("empty messages fill the queue too", async () => {
  const transport = new FakeTransport(serverFrame(2, ""));
  const connection = open(transport);
  await settle(() => transport.taken);
  const { taken } = transport;
  assert.ok(taken < MIB, `${taken}`);
  await settle();
  assert.equal(transport.taken, taken);
  connection.close();
  await connection.closed;
  await settle();
});

Deno.test("a server that takes nothing holds send() up after 1 MiB", async () => {
  const transport = new FakeTransport();
  let take = Promise.withResolvers<void>();
  transport.onWrite = () => take.promise;
  const connection = open(transport);
  const message = new Uint8Array(65_536);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 64; sent++) await connection.send(message);
  })();
  await settle();
  assert.equal(sent, 15);
  take.resolve();
  await sending;
  assert.equal(sent, 64);

  take = Promise.withResolvers();
  let ended = false;
  const ending = connection.end().then(() => ended = true);
  await settle();
  assert.equal(ended, false);
  take.resolve();
  await ending;
  connection.close();
  await connection.closed;
});

Deno.test("a server that takes what waits is alive without an answer, and lost when it stops", async () => {
  const transport = new FakeTransport();
  let take = Promise.withResolvers<void>();
  transport.onWrite = () => take.promise;
  const connection = open(transport, 20);
  let lost = false;
  void connection.closed.then(() => lost = true);
  const sending = (async () => {
    for (;;) await connection.send(new Uint8Array(300_000));
  })().catch((error) => error.message);
  // A timer of the same length that was set later: something is taken between any two ticks.
  await new Promise<void>((resolve) => {
    let taken = 0;
    const timer = setInterval(() => {
      if (++taken > 10) {
        clearInterval(timer);
        resolve();
      }
      take.resolve();
      take = Promise.withResolvers();
    }, 20);
  });
  assert.equal(lost, false);
  assert.match(await sending, /the server is silent/);
  take.resolve();
  await settle();
});

Deno.test("small messages that wait are written together", async () => {
  const transport = new FakeTransport();
  const first = Promise.withResolvers<void>();
  transport.onWrite = () => first.promise;
  const connection = open(transport);
  for (let count = 0; count < 100; count++) await connection.send(new Uint8Array(10));
  first.resolve();
  await settle();
  assert.deepEqual(transport.writes, [16, 99 * 16]);
  connection.close();
  await connection.closed;
});

Deno.test("what was sent but not taken is lost when the connection is", async () => {
  const transport = new FakeTransport();
  transport.onWrite = () => Promise.reject(new Error("broken pipe"));
  const connection = open(transport);
  await connection.send("x");
  await settle();
  await assert.rejects(connection.send("x"), /^Error: the connection was lost: broken pipe$/);
  await assert.rejects(connection.receive(), /^Error: the connection was lost: broken pipe$/);
  assert.match((await connection.closed)!.message, /broken pipe/);
});
