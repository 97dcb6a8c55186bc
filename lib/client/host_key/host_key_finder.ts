/** Finds the host key in the beginning of what an SSH server sends, before encryption starts. */
import { MalformedError, Reader } from "../../ssh/protocol/wire_format.ts";
import { Message } from "../../ssh/protocol/numbers.ts";

/** A server sends its key within its first few packets, in bytes. */
const MAX_LENGTH = 65_536;

/** Takes what the server sends, and has the key once it came by. */
export class HostKeyFinder {
  #bytes = new Uint8Array(0);
  /** Whether there is nothing more to look for: the key was found, or this is not SSH. */
  done = false;

  /** @returns the key as SSH sends it (RFC 4253, section 6.6), once */
  take(bytes: Uint8Array): Uint8Array | undefined {
    if (this.done) return;
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
    try {
      const key = findHostKey(all);
      this.done = key !== undefined || all.length > MAX_LENGTH;
      return key;
    } catch (error) {
      this.done = true;
      if (!(error instanceof MalformedError)) throw error;
    }
  }
}

/**
 * The key in the answer of a key exchange; undefined if it is not there yet.
 *
 * Every method here has the key as the first string of that answer (RFC 4253, section 8; RFC 5656,
 * section 4). An attacker who knows that changes nothing: ssh checks the key itself.
 *
 * @throws {MalformedError} if this is not SSH, or the answer is malformed
 */
function findHostKey(bytes: Uint8Array): Uint8Array | undefined {
  let at = bytes.indexOf(0x0a) + 1;
  if (at === 0) return;
  if (!new TextDecoder().decode(bytes.subarray(0, 8)).startsWith("SSH-2.0-")) {
    throw new MalformedError("the identification is missing");
  }
  for (;;) {
    // A packet (RFC 4253, section 6): its length, the length of its padding, the message.
    if (bytes.length < at + 4) return;
    const length = new Reader(bytes.subarray(at)).uint32();
    if (length > MAX_LENGTH) throw new MalformedError("the packet is too long");
    if (bytes.length < at + 4 + length) return;
    const message = new Reader(bytes.subarray(at + 5, at + 4 + length));
    const number = message.byte();
    if (number === Message.newKeys) throw new MalformedError("there was no key");
    if (number === Message.exchangeReply) return message.string();
    at += 4 + length;
  }
}
