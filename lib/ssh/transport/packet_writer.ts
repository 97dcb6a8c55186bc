import { randomFillSync } from "node:crypto";
import { giveBack, takeBlock } from "../../wire/blocks.ts";
import { PLAIN, type Sealer } from "./ciphers/cipher.ts";

/** How much is written to the stream at once, in bytes: eight packets with 32 KiB of data each. */
const BATCH = 8 * 33 * 1024;

/** The same while no more than this waits, in bytes: there may be hundreds of connections. */
const SMALL_BATCH = 8 * 1024;

/** The least padding of a packet, in bytes. */
const MIN_PADDING = 4;

/** Random bytes for padding, which are made in advance. */
const PADDING = new Uint8Array(4096);
let paddingLeft = 0;

/** Bytes that are written to the stream at once. */
interface Batch {
  buffer: Uint8Array<ArrayBuffer>;
  length: number;
}

/**
 * Encrypts packets and joins them into large pieces for the stream (RFC 4253, section 6): each
 * packet by itself would be a websocket frame or a TCP segment.
 */
export class PacketWriter {
  #sealer: Sealer = PLAIN;
  #sequence = 0;
  #batches: Batch[] = [];
  #taken?: Batch;
  #pendingBytes = 0;

  /** How many bytes are in batches, with the one that was taken last. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Encrypts what follows with `sealer`.
   *
   * @param reset begins to count packets again, from 0
   */
  setSealer(sealer: Sealer, reset: boolean): void {
    this.#sealer.close();
    this.#sealer = sealer;
    if (reset) this.#sequence = 0;
  }

  /** Adds bytes as they are. */
  addPlain(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes);
  }

  /**
   * Adds a packet.
   *
   * @param parts of its payload
   */
  add(...parts: Uint8Array[]): void {
    const { blockLength, padsLength, tagLength } = this.#sealer;
    const payloadLength = parts.reduce((sum, { length }) => sum + length, 0);
    const unpadded = (padsLength ? 5 : 1) + payloadLength;
    const excess = (unpadded + MIN_PADDING) % blockLength;
    const paddingLength = MIN_PADDING + (excess === 0 ? 0 : blockLength - excess);
    const length = 1 + payloadLength + paddingLength;
    const packet = this.#reserve(4 + length + tagLength);
    packet[0] = length >>> 24;
    packet[1] = length >>> 16;
    packet[2] = length >>> 8;
    packet[3] = length;
    packet[4] = paddingLength;
    let at = 5;
    for (const part of parts) {
      packet.set(part, at);
      at += part.length;
    }
    packet.set(randomPadding(paddingLength), at);
    this.#sealer.seal(this.#sequence, packet);
    this.#sequence = (this.#sequence + 1) >>> 0;
  }

  /** Takes the oldest bytes, or undefined if there are none; they are good until the next call. */
  take(): Uint8Array | undefined {
    if (this.#taken) {
      this.#pendingBytes -= this.#taken.length;
      giveBack(this.#taken.buffer);
    }
    const batch = this.#taken = this.#batches.shift();
    return batch?.buffer.subarray(0, batch.length);
  }

  /** Wipes the keys; to be called once. */
  close(): void {
    this.#sealer.close();
  }

  /** Room for `count` bytes behind all the others. */
  #reserve(count: number): Uint8Array {
    let batch = this.#batches.at(-1);
    if (!batch || batch.length + count > batch.buffer.length) {
      const size = this.#pendingBytes + count <= SMALL_BATCH ? SMALL_BATCH : Math.max(count, BATCH);
      batch = { buffer: takeBlock(size), length: 0 };
      this.#batches.push(batch);
    }
    this.#pendingBytes += count;
    batch.length += count;
    return batch.buffer.subarray(batch.length - count, batch.length);
  }
}

/** Random bytes, good until the next call. */
function randomPadding(length: number): Uint8Array {
  if (paddingLeft < length) {
    randomFillSync(PADDING);
    paddingLeft = PADDING.length;
  }
  paddingLeft -= length;
  return PADDING.subarray(paddingLeft, paddingLeft + length);
}
