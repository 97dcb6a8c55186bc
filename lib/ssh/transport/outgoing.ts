import type { ByteStream } from "../../wire/byte_stream.ts";
import type { Sealer } from "./ciphers/cipher.ts";
import { PacketWriter } from "./packet_writer.ts";

/**
 * How much may wait for the stream before it is {@link Outgoing.isFull}: what the stream takes in this
 * time, in milliseconds, and at most so many bytes. An echo waits behind it.
 */
const HIGH_WATER_MS = 20;
const HIGH_WATER = 256 * 1024;

export interface OutgoingOptions {
  /** The stream has taken so many bytes; 0 once nothing waits any more. */
  onWritten: (count: number) => void;
  onError: (error: Error) => void;
}

/** What is on its way to the client; all packets of one turn go to the stream as one piece. */
export class Outgoing {
  readonly #stream: ByteStream;
  readonly #options: OutgoingOptions;
  readonly #writer = new PacketWriter();
  #flushing?: Promise<void>;
  /** See {@link HIGH_WATER_MS}, in bytes. */
  #highWater = HIGH_WATER;

  constructor(stream: ByteStream, options: OutgoingOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** How many bytes wait for the stream. */
  get bytes(): number {
    return this.#writer.pendingBytes;
  }

  /** Whether data should be held back. */
  get isFull(): boolean {
    return this.bytes >= this.#highWater;
  }

  /** Resolves when the stream has taken all that was sent before. */
  get written(): Promise<void> {
    return this.#flushing ?? Promise.resolve();
  }

  /** Encrypts what follows with `sealer`; `reset` begins to count packets again. */
  setSealer(sealer: Sealer, reset: boolean): void {
    this.#writer.setSealer(sealer, reset);
  }

  /** Sends bytes as they are. */
  sendPlain(bytes: Uint8Array): void {
    this.#writer.addPlain(bytes);
    this.#flushing ??= this.#flush();
  }

  /** Sends a packet whose payload has these parts. */
  send(...parts: Uint8Array[]): void {
    this.#writer.add(...parts);
    this.#flushing ??= this.#flush();
  }

  /** Wipes the keys; to be called once. */
  close(): void {
    this.#writer.close();
  }

  async #flush(): Promise<void> {
    // With what else is sent in this turn.
    await Promise.resolve();
    try {
      for (let batch = this.#writer.take(); batch; batch = this.#writer.take()) {
        const start = performance.now();
        await this.#stream.write(batch);
        const bytesPerMs = batch.length / (performance.now() - start);
        this.#highWater = Math.max(1, Math.min(HIGH_WATER_MS * bytesPerMs, HIGH_WATER));
        this.#options.onWritten(batch.length);
      }
    } catch (error) {
      this.#options.onError(error as Error);
    }
    this.#flushing = undefined;
    this.#options.onWritten(0);
  }
}
