import { DisconnectReason } from "../protocol/numbers.ts";
import { TransportError } from "./transport_error.ts";

/** The longest identification string, in bytes with its line end (RFC 4253, section 4.2). */
const MAX_LENGTH = 255;

const CR = 13, LF = 10;

/** Reads the line with which the client begins. */
export class IdentificationReader {
  #line = new Uint8Array(MAX_LENGTH);
  #length = 0;

  /**
   * Takes bytes.
   *
   * @returns the line without its end, and the bytes that follow it; undefined if its end is yet to
   * come
   * @throws {TransportError} if this is not SSH 2
   */
  add(bytes: Uint8Array): { line: Uint8Array; rest: Uint8Array } | undefined {
    const end = bytes.indexOf(LF);
    const more = bytes.subarray(0, end < 0 ? bytes.length : end + 1);
    if (this.#length + more.length > MAX_LENGTH) throw invalid();
    this.#line.set(more, this.#length);
    this.#length += more.length;
    if (end < 0) return;
    let line = this.#line.subarray(0, this.#length - 1);
    if (line.at(-1) === CR) line = line.subarray(0, -1);
    if (!/^SSH-(2\.0|1\.99)-/.test(new TextDecoder().decode(line))) throw invalid();
    return { line, rest: bytes.subarray(end + 1) };
  }
}

function invalid(): TransportError {
  return new TransportError(
    "the client does not speak SSH 2",
    DisconnectReason.versionNotSupported,
  );
}
