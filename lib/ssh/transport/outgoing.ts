import type { ByteStream } from "../../wire/byte_stream.ts";
import type { Sealer } from "./ciphers/cipher.ts";
import { PacketWriter } from "./packet_writer.ts";

/**
 * How much may wait for the stream before it is {@link Outgoing.isFull}: what the stream takes in this
 * time, in milliseconds, and at most so many bytes. An echo waits behind it.
 */
const HIGH_WATER_MS = 20;
const HIGH_WATER = 256 * 1024;

/** The same until the stream has shown what it takes. */
const FIRST_HIGH_WATER = 64 * 1024;

/**
 * After how long what was seen of the stream counts half, in milliseconds: a slow link takes a little
 * at once now and then.
 */
const HALF_LIFE_MS = 1_000;

/** What a packet may have however slow the stream is, in bytes. */
const LEAST_PACKET = 4 * 1024;

export interface OutgoingOptions {
  /** The stream has taken so many bytes; 0 once nothing waits any more. */
  onWritten: (count: number) => void;
  onError: (error: Error) => void;
  /** In milliseconds, from any start. @default performance.now */
  now?: () => number;
}

/** What is on its way to the client; all packets of one turn go to the stream as one piece. */
export class Outgoing {
  readonly #stream: ByteStream;
  readonly #options: OutgoingOptions;
  readonly #now: () => number;
  readonly #writer = new PacketWriter();
  #flushing?: Promise<void>;
  /** See {@link HIGH_WATER_MS}, in bytes. */
  #highWater = FIRST_HIGH_WATER;
  /** How much the stream took lately, in what time, and when it was written to last. */
  readonly #took = { bytes: 0, ms: 0, at: 0 };

  constructor(stream: ByteStream, options: OutgoingOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** How many bytes wait for the stream. */
  get bytes(): number {
    return this.#writer.pendingBytes;
  }

  /** How much a packet should have at most: more would be in front of an echo for long, in bytes. */
  get packetSize(): number {
    return Math.max(LEAST_PACKET, Math.floor(this.#highWater));
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
        const start = this.#now();
        await this.#stream.write(batch);
        this.#measure(batch.length, start);
        this.#options.onWritten(batch.length);
      }
    } catch (error) {
      this.#options.onError(error as Error);
    }
    this.#flushing = undefined;
    this.#options.onWritten(0);
  }

  /** The stream has taken so many bytes, which were given to it at `start`. */
  #measure(bytes: number, start: number): void {
    const took = this.#took;
    const now = this.#now();
    const left = 0.5 ** ((now - took.at) / HALF_LIFE_MS);
    took.at = now;
    took.bytes = took.bytes * left + bytes;
    took.ms = took.ms * left + now - start;
    // A clock may not have moved.
    const highWater = HIGH_WATER_MS * took.bytes / Math.max(took.ms, 0.001);
    this.#highWater = Math.max(1, Math.min(highWater, HIGH_WATER));
  }
}
