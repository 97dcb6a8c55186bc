/** Forwards of ports, both ways, with bytes in them all the time. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { delay } from "../../../lib/wire/delay.ts";
import { writeAll } from "../../../lib/wire/raw_connection.ts";
import { randomBytes } from "../clients.ts";
import { inTime } from "../deadline.ts";
import { Program } from "../program.ts";
import { freePort } from "../sshd.ts";

/** How many bytes go at a time, and how long until the next, in milliseconds. */
const CHUNK = 10_000;
const GAP_MS = 10;

/** Sends back all that it gets, from a free port of 127.0.0.1. */
class EchoServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #running: Promise<void>;

  constructor() {
    this.#running = this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #run(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      this.#open.add(conn);
      served.push(conn.readable.pipeTo(conn.writable).catch(() => {}));
    }
    await Promise.all(served);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
    }
    await this.#running;
  }
}

/** Bytes that go through a forward, to an echo and back, until it is stopped. */
class Stream implements AsyncDisposable {
  readonly #sent: Uint8Array[] = [];
  readonly #got: Uint8Array[] = [];
  #stopped = false;
  readonly #writing: Promise<void>;
  readonly #reading: Promise<void>;

  constructor(readonly connection: Deno.Conn) {
    this.#writing = this.#write();
    this.#reading = this.#read();
    for (const work of [this.#writing, this.#reading]) work.catch(() => {});
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const bytes = randomBytes(CHUNK);
      this.#sent.push(bytes);
      await writeAll(this.connection, bytes);
      await delay(GAP_MS);
    }
    await this.connection.closeWrite();
  }

  async #read(): Promise<void> {
    for (;;) {
      const buffer = new Uint8Array(65_536);
      const count = await this.connection.read(buffer);
      if (count === null) return;
      this.#got.push(buffer.subarray(0, count));
    }
  }

  /** Ends the bytes, waits for the last, and checks them. @returns how many there were */
  async stop(): Promise<number> {
    this.#stopped = true;
    const all = Promise.all([this.#writing, this.#reading]);
    await inTime(all, () => "no end of what came through a forward");
    const [sent, got] = await Promise.all(
      [this.#sent, this.#got].map((chunks) => new Blob(chunks as BlobPart[]).arrayBuffer()),
    );
    assert.ok(Buffer.from(sent!).equals(Buffer.from(got!)), "bytes of a forward changed");
    return sent!.byteLength;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.connection.close();
    await Promise.allSettled([this.#writing, this.#reading]);
  }
}

/** A port of the job forwarded here and one from here to the job, in one connection of ssh. */
export class Forwards implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #streams: Stream[] = [];

  private constructor() {}

  /** @param args of ssh, with the destination */
  static async open(args: string[]): Promise<Forwards> {
    const forwards = new Forwards();
    const stack = forwards.#stack;
    const echo = stack.use(new EchoServer());
    const [there, here] = [freePort(), freePort()];
    const asked = [
      ...["-L", `127.0.0.1:${there}:127.0.0.1:${echo.port}`],
      ...["-R", `127.0.0.1:${here}:127.0.0.1:${echo.port}`],
    ];
    const options = ["-oExitOnForwardFailure=yes", ...asked];
    const ssh = stack.use(
      new Program("ssh", [...options, ...args, "echo forwarded; cat"], { interactive: true }),
    );
    await ssh.waitFor(/^forwarded$/m);
    for (const port of [there, here]) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      forwards.#streams.push(stack.use(new Stream(connection)));
    }
    return forwards;
  }

  /** @returns how many bytes went each way */
  async stop(): Promise<number[]> {
    return await Promise.all(this.#streams.map((stream) => stream.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
