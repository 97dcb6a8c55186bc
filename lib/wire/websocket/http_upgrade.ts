/** The opening handshake of a websocket client (RFC 6455, section 4.1), on a connection that is open. */

/** What the handshake reads from and writes to; `Deno.Conn` is one. */
export interface Transport {
  /** Fills a part of `buffer`; resolves to how many bytes, null at end of file. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes`; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; pending reads and writes reject. */
  close(): void;
}

/** The head of an HTTP response, and what was read beyond it. */
export interface ResponseHead {
  status: number;
  statusText: string;
  headers: Headers;
  rest: Uint8Array;
}

const MAX_HEAD_LENGTH = 32_768;
const MAX_REFUSAL_LENGTH = 4096;
const MAX_REASON_LENGTH = 300;

/** Writes all of `bytes`. */
export async function writeAll(transport: Transport, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await transport.write(bytes.subarray(written));
}

/** The place just behind the empty line that ends a head, or -1. */
function headEnd(bytes: Uint8Array): number {
  for (let at = 3; at < bytes.length; at++) {
    if (
      bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13
    ) return at + 1;
  }
  return -1;
}

/** @throws {Error} if it is not the head of an HTTP/1 response */
function parseHead(text: string, rest: Uint8Array): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(first);
  if (match === null) throw new Error("the answer is not HTTP/1.1");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return { status: Number(match[1]), statusText: (match[2] ?? "").trim(), headers, rest };
}

/**
 * Reads the head of a response; interim ones (1xx other than 101) are skipped.
 *
 * @throws {Error} if none comes, or something that is not HTTP
 */
export async function readResponseHead(transport: Transport): Promise<ResponseHead> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(MAX_HEAD_LENGTH);
  for (;;) {
    const end = headEnd(bytes);
    if (end !== -1) {
      const text = Array.from(bytes.subarray(0, end - 4), (b) => String.fromCharCode(b)).join("");
      const head = parseHead(text, bytes.subarray(end));
      if (head.status === 101 || head.status >= 200) return head;
      bytes = bytes.slice(end);
      continue;
    }
    if (bytes.length >= MAX_HEAD_LENGTH) throw new Error("the answer is not HTTP/1.1");
    const count = await transport.read(buffer);
    if (count === null) throw new Error("it was closed before an answer came");
    const longer = new Uint8Array(bytes.length + count);
    longer.set(bytes);
    longer.set(buffer.subarray(0, count), bytes.length);
    bytes = longer;
  }
}

/** One line without control characters, fit for a terminal and a log. */
export function oneLine(text: string, maxLength: number = MAX_REASON_LENGTH): string {
  // deno-lint-ignore no-control-regex
  return text.trim().split(/[\r\n]/, 1)[0]!.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "")
    .slice(0, maxLength);
}

/**
 * Why a server refused: the first line of its body if that is plain text, else the status.
 * Reads as much of the body as that takes, 4 KiB at most.
 */
export async function refusalReason(transport: Transport, head: ResponseHead): Promise<string> {
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
      const count = await transport.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      taken += count;
    }
  } catch {
    // What came has to do.
  }
  // The first chunk holds the first line; in front of it stands the chunk's size.
  if (chunked) text = text.replace(/^[0-9a-f]+[^\r\n]*\r\n/i, "");
  return oneLine(text) || oneLine(standard);
}

/** What to ask for. */
export interface UpgradeRequest {
  url: URL;
  headers: Headers;
  protocols: string[];
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * Asks for the upgrade.
 *
 * @returns the head of the answer, whatever its status
 * @throws {Error} if a 101 breaks the rules
 */
export async function requestUpgrade(
  transport: Transport,
  request: UpgradeRequest,
): Promise<ResponseHead> {
  const { url, protocols } = request;
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const headers = new Headers(request.headers);
  if (!headers.has("host")) headers.set("host", url.host);
  if ((url.username !== "" || url.password !== "") && !headers.has("authorization")) {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set("authorization", `Basic ${base64(new TextEncoder().encode(login))}`);
  }
  headers.set("connection", "Upgrade");
  headers.set("upgrade", "websocket");
  headers.set("sec-websocket-version", "13");
  headers.set("sec-websocket-key", key);
  if (protocols.length > 0) headers.set("sec-websocket-protocol", protocols.join(", "));
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n`;
  await writeAll(transport, Uint8Array.from(text, (character) => character.charCodeAt(0)));

  const head = await readResponseHead(transport);
  if (head.status !== 101) return head;
  const digest = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
  );
  const answer = (name: string) => head.headers.get(name) ?? "";
  const protocol = answer("sec-websocket-protocol");
  if (
    answer("upgrade").toLowerCase() !== "websocket" ||
    answer("sec-websocket-accept") !== base64(new Uint8Array(digest))
  ) throw new Error("the answer is not a websocket's");
  if (protocol !== "" && !protocols.includes(protocol)) {
    throw new Error("the server chose a subprotocol that was not offered");
  }
  if (answer("sec-websocket-extensions") !== "") {
    throw new Error("the server uses an extension that was not offered");
  }
  return head;
}
