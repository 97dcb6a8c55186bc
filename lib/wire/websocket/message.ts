/**
 * Messages and close reasons out of a websocket's frames (RFC 6455, sections 5.4, 5.5.1 and 7.4).
 */

import { closeReason } from "../../protocol/close_reason.ts";
import { oneLine } from "../http_response.ts";
import { type Frame, FrameError, Opcode } from "./frame.ts";

/** What a fragment costs besides its bytes. */
const FRAGMENT_OVERHEAD = 64;

/** @throws {FrameError} if it is not UTF-8 */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FrameError(1007, "a text message is not UTF-8");
  }
}

/** Joins the fragments of messages. */
export class MessageJoiner {
  readonly #maxLength: number;
  /** Whether binary messages are given as they come instead. */
  inParts = false;
  /** The message whose last fragment has not come yet, and what of it was not given yet. */
  #partial: { opcode: number; fragments: Uint8Array[]; length: number } | undefined;

  /** @param maxLength the longest message that is taken, in bytes */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * The message that a frame completes, if it does: a string or bytes; or a part of it.
   *
   * @throws {FrameError} if the frame has no place here
   */
  join({ opcode, final, payload }: Frame): string | Uint8Array | undefined {
    if ((opcode === Opcode.continuation) !== (this.#partial !== undefined)) {
      throw new FrameError(1002, "a fragment is out of place");
    }
    const message = this.#partial ?? { opcode, fragments: [], length: 0 };
    message.fragments.push(payload);
    message.length += payload.length;
    const cost = message.length + (message.fragments.length - 1) * FRAGMENT_OVERHEAD;
    if (cost > this.#maxLength) throw new FrameError(1009, "a message is too big");
    this.#partial = final ? undefined : message;
    if (!final && !(this.inParts && message.opcode === Opcode.binary)) return;
    const bytes = concat(message.fragments.splice(0));
    return message.opcode === Opcode.text ? decodeText(bytes) : bytes;
  }
}

function concat(fragments: Uint8Array[]): Uint8Array {
  if (fragments.length === 1) return fragments[0]!;
  const whole = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const fragment of fragments) {
    whole.set(fragment, at);
    at += fragment.length;
  }
  return whole;
}

/** Which close codes a peer may send (RFC 6455, section 7.4, and the registry it founded). */
const CLOSE_CODES = [[1000, 1003], [1007, 1014], [3000, 4999]] as const;

/** Whether a close code means end of file; 1005 stands for a close frame without a code. */
export function isCleanClose(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}

/** The payload of a close frame; the reason is cut to what fits. */
export function closePayload(code: number, reason: string): Uint8Array {
  if (code === 1005) return new Uint8Array(0);
  return Uint8Array.of(code >> 8, code, ...new TextEncoder().encode(closeReason(reason)));
}

/**
 * Reads the payload of a close frame; of the reason one line, fit for a terminal.
 *
 * @throws {FrameError} if it is invalid
 */
export function parseClose(payload: Uint8Array): { code: number; reason: string } {
  if (payload.length === 0) return { code: 1005, reason: "" };
  const code = payload.length === 1 ? 0 : payload[0]! << 8 | payload[1]!;
  if (!CLOSE_CODES.some(([from, to]) => code >= from && code <= to)) {
    throw new FrameError(1002, "a close frame has an invalid code");
  }
  return { code, reason: oneLine(decodeText(payload.subarray(2))) };
}
