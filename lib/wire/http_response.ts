/** Reading what a web server or proxy answers, before the connection is used for something else. */
import { withoutControlCharacters } from "../text/control_characters.ts";
import type { RawConnection } from "./raw_connection.ts";

/** The head of an HTTP response, and what was read beyond it. */
export interface ResponseHead {
  status: number;
  statusText: string;
  headers: Headers;
  rest: Uint8Array;
}

/** The first byte of what a TLS server sends to one who does not speak TLS (RFC 8446, section 5). */
const TLS_ALERT = 21;
const NOT_HTTP = "the answer is not HTTP/1.1";
const MAX_HEAD_LENGTH = 32_768;
/** How much of a head is read at once, in bytes. */
const HEAD_BUFFER = 4_096;
const MAX_REFUSAL_LENGTH = 4096;
const MAX_REASON_LENGTH = 300;

/** The place just behind the empty line that ends a head, or -1. */
function headEnd(bytes: Uint8Array): number {
  for (let at = 3; at < bytes.length; at++) {
    if (
      bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13
    ) return at + 1;
  }
  return -1;
}

/** Whether these can be the first bytes of a response. */
function isHttp(bytes: Uint8Array): boolean {
  return Array.from("HTTP/").every((letter, at) =>
    [undefined, letter.charCodeAt(0)].includes(bytes[at])
  );
}

/** @throws {Error} if it is not the head of an HTTP/1 response */
function parseHead(text: string, rest: Uint8Array): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(first);
  if (match === null) throw new Error(NOT_HTTP);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    } catch (cause) {
      // It holds a character that no header may.
      throw new Error(NOT_HTTP, { cause });
    }
  }
  return { status: Number(match[1]), statusText: (match[2] ?? "").trim(), headers, rest };
}

/**
 * Reads the head of a response; interim ones (1: RawConnection other than 101) are skipped.
 *
 * @throws {Error} if none comes, or something that is not HTTP
 */
export async function readResponseHead(connection: RawConnection): Promise<ResponseHead> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(HEAD_BUFFER);
  for (;;) {
    const end = headEnd(bytes);
    if (end !== -1) {
      const text = Array.from(bytes.subarray(0, end - 4), (b) => String.fromCharCode(b)).join("");
      const head = parseHead(text, bytes.subarray(end));
      if (head.status === 101 || head.status >= 200) return head;
      bytes = bytes.slice(end);
      continue;
    }
    if (bytes.length >= MAX_HEAD_LENGTH) throw new Error(NOT_HTTP);
    const count = await connection.read(buffer);
    if (count === null) throw new Error("the connection was closed without an answer");
    const longer = new Uint8Array(bytes.length + count);
    longer.set(bytes);
    longer.set(buffer.subarray(0, count), bytes.length);
    bytes = longer;
    if (bytes[0] === TLS_ALERT) throw new Error("the server speaks TLS; try wss: or https:");
    // Some servers speak first, and wait then.
    if (!isHttp(bytes)) throw new Error(NOT_HTTP);
  }
}

/** The first line, cut, fit for a terminal and a log. */
export function oneLine(text: string, maxLength: number = MAX_REASON_LENGTH): string {
  return withoutControlCharacters(text.trim().split(/[\r\n]/, 1)[0]!).slice(0, maxLength);
}

/**
 * Why a server refused: the first line of its body if that is plain text, else the status.
 * Reads as much of the body as that takes, 4 KiB at most.
 */
export async function refusalReason(
  connection: RawConnection,
  head: ResponseHead,
): Promise<string> {
  const { headers, status } = head;
  const location = headers.get("location");
  const standard = head.statusText || `status ${status}`;
  if (status >= 300 && status < 400 && location !== null) {
    return oneLine(`${standard}: try ${location}`);
  }
  if (!/^text\/plain\b/i.test(headers.get("content-type") ?? "")) return oneLine(standard);

  const chunked = /\bchunked\b/i.test(headers.get("transfer-encoding") ?? "");
  const length = Math.min(Number(headers.get("content-length") ?? Infinity), MAX_REFUSAL_LENGTH);
  const decoder = new TextDecoder();
  let text = decoder.decode(head.rest, { stream: true });
  let taken = head.rest.length;
  const buffer = new Uint8Array(MAX_REFUSAL_LENGTH);
  try {
    while (taken < length && !(chunked && /\r\n0+\r\n/.test(text))) {
      const count = await connection.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      taken += count;
    }
  } catch {
    // What came has to be enough.
  }
  // The first chunk holds the first line; in front of it stands the chunk's size.
  if (chunked) text = text.replace(/^[0-9a-f]+[^\r\n]*\r\n/i, "");
  return oneLine(text) || oneLine(standard);
}
