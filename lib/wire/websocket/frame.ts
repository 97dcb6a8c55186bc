/** Websocket frames (RFC 6455, section 5) as a client sends and receives them; pure. */

/** The kinds of frame (section 5.2). */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One received frame. */
export interface Frame {
  opcode: number;
  /** Whether it ends its message. */
  final: boolean;
  /** A view into the bytes given to the parser, if binary messages are given in parts. */
  payload: Uint8Array;
}

/** The peer broke the websocket protocol; `code` is the close code to tell it (section 7.4.1). */
export class FrameError extends Error {
  override name = "FrameError";
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** Masking keys, drawn many at a time because each draw costs a microsecond. */
const maskKeys = new Uint32Array(1024);
let maskKeysLeft = 0;

function nextMaskKey(): number {
  if (maskKeysLeft === 0) {
    crypto.getRandomValues(maskKeys);
    maskKeysLeft = maskKeys.length;
  }
  return maskKeys[--maskKeysLeft]!;
}

/** How long a frame with `length` bytes of payload is, with its header and its mask, in bytes. */
export function frameLength(length: number): number {
  return length + 4 + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
}

/**
 * Writes one whole frame, masked as a client's must be (section 5.3), into `into` from `at` on.
 *
 * @returns where it ends
 */
export function writeFrame(
  into: Uint8Array<ArrayBuffer>,
  at: number,
  { opcode, payload }: { opcode: number; payload: Uint8Array },
  maskKey: number = nextMaskKey(),
): number {
  const { length } = payload;
  const end = at + frameLength(length);
  const start = end - length;
  const view = new DataView(into.buffer, into.byteOffset);
  const headerLength = start - at - 4;
  into[at] = 0x80 | opcode;
  into[at + 1] = 0x80 | (headerLength === 2 ? length : headerLength === 4 ? 126 : 127);
  if (headerLength === 4) view.setUint16(at + 2, length);
  if (headerLength === 10) view.setBigUint64(at + 2, BigInt(length));
  view.setUint32(start - 4, maskKey);
  into.set(payload, start);
  mask(into.subarray(start, end), maskKey);
  return end;
}

/** One whole frame by itself; see {@link writeFrame}. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameLength(payload.length));
  writeFrame(frame, 0, { opcode, payload });
  return frame;
}

/** Masks `bytes` in place, most of them by whole words. */
function mask(bytes: Uint8Array<ArrayBuffer>, key: number): void {
  const keyByte = (i: number) => key >>> 24 - 8 * (i & 3);
  const head = Math.min(-bytes.byteOffset & 3, bytes.length);
  for (let i = 0; i < head; i++) bytes[i]! ^= keyByte(i);

  const count = bytes.length - head >> 2;
  if (count > 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + head, count);
    const [word] = new Uint32Array(Uint8Array.of(0, 1, 2, 3).map((i) => keyByte(head + i)).buffer);
    for (let i = 0; i < count; i++) words[i]! ^= word!;
  }

  for (let i = head + count * 4; i < bytes.length; i++) bytes[i]! ^= keyByte(i);
}

/** Cuts a server's bytes into frames, however they were cut into reads. */
export class FrameParser {
  /**
   * Whether frames of binary messages are given as they come, as if the server had fragmented them
   * like that; otherwise each is collected first.
   */
  inParts = false;
  readonly #maxPayload: number;
  readonly #header = new Uint8Array(10);
  #headerFilled = 0;
  /** The frame whose payload is being collected. */
  #partial: { frame: Frame; filled: number } | undefined;
  /** The frame whose payload is given as it comes, and how much of that is still to come. */
  #passing: { opcode: number; final: boolean; left: number } | undefined;
  /** Whether the message that is under way is a binary one. */
  #isBinary = false;

  /** @param maxPayload the largest payload that is taken, in bytes */
  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  /**
   * The frames that `bytes` completes.
   *
   * @throws {FrameError} if they are not what a server may send
   */
  *push(bytes: Uint8Array): Generator<Frame> {
    let at = 0;
    for (;;) {
      if (this.#passing !== undefined) {
        const { opcode, final, left } = this.#passing;
        const payload = bytes.subarray(at, at + left);
        at += payload.length;
        const isWhole = payload.length === left;
        this.#passing = isWhole ? undefined : {
          opcode: payload.length > 0 ? Opcode.continuation : opcode,
          final,
          left: left - payload.length,
        };
        if (isWhole || payload.length > 0) yield { opcode, final: final && isWhole, payload };
        if (!isWhole) return;
      }
      if (this.#partial !== undefined) {
        const { frame, filled } = this.#partial;
        const part = bytes.subarray(at, at + frame.payload.length - filled);
        frame.payload.set(part, filled);
        at += part.length;
        this.#partial.filled += part.length;
        if (this.#partial.filled < frame.payload.length) return;
        this.#partial = undefined;
        yield frame;
      }
      while (this.#headerFilled < this.#headerLength()) {
        if (at === bytes.length) return;
        this.#header[this.#headerFilled++] = bytes[at++]!;
      }
      const { opcode, final, length } = this.#parseHeader();
      this.#headerFilled = 0;
      if (opcode === Opcode.binary || opcode === Opcode.text) {
        this.#isBinary = opcode === Opcode.binary;
      }
      if (this.inParts && this.#isBinary && opcode <= Opcode.binary) {
        this.#passing = { opcode, final, left: length };
      } else {
        this.#partial = { frame: { opcode, final, payload: new Uint8Array(length) }, filled: 0 };
      }
    }
  }

  #headerLength(): number {
    if (this.#headerFilled < 2) return 2;
    const short = this.#header[1]! & 0x7f;
    return short === 126 ? 4 : short === 127 ? 10 : 2;
  }

  #parseHeader(): { opcode: number; final: boolean; length: number } {
    const [first, second] = this.#header as unknown as [number, number];
    const view = new DataView(this.#header.buffer);
    const final = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    const short = second & 0x7f;
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? Number(view.getBigUint64(2))
      : short;
    if ((first & 0x70) !== 0) throw new FrameError(1002, "a reserved bit is set");
    if ((second & 0x80) !== 0) throw new FrameError(1002, "a server must not mask its frames");
    if (opcode > Opcode.pong || (opcode > Opcode.binary && opcode < Opcode.close)) {
      throw new FrameError(1002, `unknown opcode ${opcode}`);
    }
    if (opcode >= Opcode.close && (!final || length > 125)) {
      throw new FrameError(1002, "a control frame is fragmented or too long");
    }
    if (length > this.#maxPayload) throw new FrameError(1009, "a message is too big");
    return { opcode, final, length };
  }
}
