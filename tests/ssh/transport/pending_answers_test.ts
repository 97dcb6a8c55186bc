/** A client that sends and takes no answers, before it has logged in. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { Client } from "ssh2";
import { generateHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { Transport } from "../../../lib/ssh/transport/transport.ts";
import type { ByteStream } from "../../../lib/wire/byte_stream.ts";
import { delay } from "../../../lib/wire/delay.ts";
import { inTime } from "../../support/deadline.ts";
import { memoryStreamPair } from "../../support/memory_stream.ts";
import { ALGORITHMS, sendPacket } from "../../support/ssh2_internals.ts";

/** Of an unknown type below the login's, which is answered. */
const UNKNOWN = Uint8Array.of(9);

/** Enough that the answers are more than 1 MiB: each has 48 bytes at least. */
const PACKETS = 60_000;

/** A stream for ssh2 that reads as long as it may, and counts what was taken of what it wrote. */
class Socket extends Duplex {
  taken = 0;
  readonly #stream: ByteStream;
  #open = Promise.withResolvers<void>();

  constructor(stream: ByteStream) {
    super();
    this.#stream = stream;
    this.#open.resolve();
  }

  /** Takes nothing more, until {@link Socket.goOn}. */
  stall(): void {
    this.#open = Promise.withResolvers();
  }

  goOn(): void {
    this.#open.resolve();
  }

  override async _read() {
    await this.#open.promise;
    const bytes = await this.#stream.read().catch(() => null);
    this.push(bytes && new Uint8Array(bytes));
  }

  override _write(bytes: Uint8Array, _: BufferEncoding, done: (error?: Error) => void) {
    this.#stream.write(bytes).then(() => {
      this.taken += bytes.length;
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void) {
    this.#stream.close();
    done(error);
  }
}

Deno.test("Transport reads no more while a client takes no answers, and goes on when it does", async () => {
  const [ours, theirs] = memoryStreamPair();
  const transport = new Transport(theirs, { hostKeys: [generateHostKey()], version: "test" });
  const running = transport.run(() => {});
  const socket = new Socket(ours);
  const client = new Client();
  client.on("error", () => {});
  client.connect({ sock: socket, username: "ann", algorithms: ALGORITHMS, readyTimeout: 0 });
  await once(client, "handshake");
  socket.stall();
  const before = socket.taken;
  for (let i = 0; i < PACKETS; i++) sendPacket(client, UNKNOWN);
  const total = before + socket.writableLength;
  for (let [seen, turns] = [0, 0]; turns < 100; turns++) {
    await delay(0);
    if (socket.taken !== seen) [seen, turns] = [socket.taken, 0];
  }
  assert.ok(socket.taken > before + 100_000, `${socket.taken} of ${total} bytes`);
  assert.ok(socket.taken < total - 100_000, `${socket.taken} of ${total} bytes`);
  const drained = once(socket, "drain");
  socket.goOn();
  await inTime(drained, () => `${socket.taken} of ${total} bytes`);
  client.destroy();
  await running;
  await transport.close();
});
