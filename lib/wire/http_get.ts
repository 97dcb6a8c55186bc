/** A GET request on a connection of its own, with the proxies and certificates of our websockets. */
import { basicLogin } from "./dial/basic_login.ts";
import { dial, type DialOptions } from "./dial/dial.ts";
import { readResponseHead, type ResponseHead } from "./http_response.ts";
import { type RawConnection, writeAll } from "./raw_connection.ts";

/** How much is read at a time, in bytes. */
const CHUNK_SIZE = 65_536;

/** An answer; its body is read from the connection. */
export interface HttpAnswer extends Pick<ResponseHead, "status" | "statusText" | "headers"> {
  body: ReadableStream<Uint8Array>;
}

/**
 * Gets `url` and hands the answer to `read`; afterwards the connection is closed.
 *
 * The request is HTTP/1.0, so that the body comes in one piece (RFC 9112, section 6.1), and offers
 * gzip, which is undone here. Redirects are not followed.
 *
 * @param url `ws:` for http, `wss:` for https; with a login if need be
 * @throws {Error} the system's own, or the signal's reason
 */
export async function httpGet<T>(
  url: URL,
  options: DialOptions,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  const connection = await dial(url, options);
  const close = () => connection.close();
  options.signal.addEventListener("abort", close);
  try {
    options.signal.throwIfAborted();
    const login = basicLogin(url);
    const head = [
      `GET ${url.pathname}${url.search} HTTP/1.0`,
      `host: ${url.host}`,
      "accept-encoding: gzip",
      ...(login === undefined ? [] : [`authorization: ${login}`]),
    ].map((line) => `${line}\r\n`).join("");
    await writeAll(connection, new TextEncoder().encode(`${head}\r\n`));
    const response = await readResponseHead(connection);
    const raw = ReadableStream.from(rawBody(connection, response));
    const zipped = response.headers.get("content-encoding") === "gzip";
    return await read({
      ...response,
      body: zipped ? raw.pipeThrough(new DecompressionStream("gzip")) : raw,
    });
  } finally {
    options.signal.removeEventListener("abort", close);
    try {
      close();
    } catch {
      // The signal has closed it.
    }
  }
}

/** @throws {Error} if the connection ends before the body does */
async function* rawBody(
  connection: RawConnection,
  { headers, rest }: ResponseHead,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = Number(headers.get("content-length") ?? Infinity);
  let chunk: Uint8Array<ArrayBuffer> = rest.slice(0, left);
  while (true) {
    if (chunk.length > 0) yield chunk;
    left -= chunk.length;
    if (left <= 0) return;
    const buffer = new Uint8Array(Math.min(CHUNK_SIZE, left));
    const count = await connection.read(buffer);
    if (count === null && left < Infinity) throw new Error("the connection was closed too early");
    if (count === null) return;
    chunk = buffer.subarray(0, count);
  }
}
