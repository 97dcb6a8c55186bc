/**
 * The opening handshake of a websocket client (RFC 6455, section 4.1), on a connection that is
 * open.
 */
import { basicLogin } from "../dial/basic_login.ts";
import { readResponseHead, type ResponseHead } from "../http_response.ts";
import { type RawConnection, writeAll } from "../raw_connection.ts";

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
  connection: RawConnection,
  request: UpgradeRequest,
): Promise<ResponseHead> {
  const { url, protocols } = request;
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const headers = new Headers(request.headers);
  if (!headers.has("host")) headers.set("host", url.host);
  const login = basicLogin(url);
  if (login !== undefined && !headers.has("authorization")) headers.set("authorization", login);
  headers.set("connection", "Upgrade");
  headers.set("upgrade", "websocket");
  headers.set("sec-websocket-version", "13");
  headers.set("sec-websocket-key", key);
  if (protocols.length > 0) headers.set("sec-websocket-protocol", protocols.join(", "));
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n`;
  await writeAll(connection, Uint8Array.from(text, (character) => character.charCodeAt(0)));

  const head = await readResponseHead(connection);
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
  ) throw new Error("the answer is not that of a websocket server");
  if (protocol !== "" && !protocols.includes(protocol)) {
    throw new Error("the server chose a subprotocol that was not offered");
  }
  if (answer("sec-websocket-extensions") !== "") {
    throw new Error("the server uses an extension that was not offered");
  }
  return head;
}
