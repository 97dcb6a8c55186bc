/** A channel in memory; the test is its client. */
import type { SftpChannel } from "../../../lib/ssh/sftp/serve.ts";
import { concat, decodeReplies, INIT, type TestReply } from "./test_client.ts";

export class MemoryChannel implements SftpChannel {
  readonly closed: Promise<undefined>;
  /** Bytes that the server has taken. */
  taken = 0;
  /** Bytes that the server has sent. */
  sent = 0;
  /** While this is false the client takes nothing. */
  #isOpen = true;
  #close!: (reason: undefined) => void;
  #isClosed = false;
  #hasEnded = false;
  readonly #toServer: Uint8Array[] = [];
  readonly #toClient: Uint8Array[] = [];
  #changed = Promise.withResolvers<void>();

  constructor() {
    this.closed = new Promise((resolve) => this.#close = resolve);
    this.send(INIT);
  }

  send(...packets: Uint8Array[]): void {
    this.#toServer.push(...packets);
    this.#change();
  }

  /** Sends nothing more. */
  end(): void {
    this.#hasEnded = true;
    this.#change();
  }

  /** Disconnects without closing the channel. */
  vanish(): void {
    this.#isClosed = true;
    this.#close(undefined);
    this.#change();
  }

  /** Stops taking replies, or goes on. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#change();
  }

  /** All replies once there are `count` of them after the greeting. */
  async replies(count: number): Promise<TestReply[]> {
    for (;;) {
      const bytes = concat(this.#toClient);
      let complete = 0;
      for (let start = 0; start + 4 <= bytes.length; complete++) {
        start += 4 + new DataView(bytes.buffer).getUint32(start);
      }
      if (complete > count) return decodeReplies(bytes).slice(1);
      await this.change();
    }
  }

  /** Resolves when something has happened. */
  change(): Promise<void> {
    return this.#changed.promise;
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.#toServer.shift();
      if (this.#isClosed) return null;
      if (bytes) {
        this.taken += bytes.length;
        this.#change();
        return bytes;
      }
      if (this.#hasEnded) return null;
      await this.change();
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    while (!this.#isOpen && !this.#isClosed) await this.change();
    if (this.#isClosed) throw new Error("cannot write: the channel is closed");
    this.#toClient.push(bytes);
    this.sent += bytes.length;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
