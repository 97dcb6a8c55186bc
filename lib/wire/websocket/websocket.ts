/**
 * Outbound websockets on `Deno.connect` (RFC 6455).
 *
 * A client of our own, because none at hand does all that is needed on each version of Deno that we
 * run on: flow control both ways, the text of a refused upgrade, proxies, a private CA, no CA at
 * all, and to say why TLS failed. Compression is not offered: what we carry is encrypted.
 *
 * @module
 */

import { errorMessage } from "../../text/error_message.ts";
import { Deadline } from "../deadline.ts";
import { connectFailure } from "../dial/connect_failure.ts";
import { dial } from "../dial/dial.ts";
import { refusalReason } from "../http_response.ts";
import type { RawConnection } from "../raw_connection.ts";
import { requestUpgrade } from "./http_upgrade.ts";
import { WebSocketConnection, type WebSocketConnectionOptions } from "./connection.ts";

export { WebSocketClosedError, WebSocketConnection } from "./connection.ts";

export interface WebSocketOptions {
  /** More headers of the upgrade request; never shown in errors. */
  headers?: Record<string, string>;
  /** The subprotocols to offer. A server may ignore them. */
  protocols?: string[];
  /** PEM certificates of authorities to trust besides those that the machine and Deno trust. */
  ca?: string;
  /** Trust any certificate. @default false */
  insecure?: boolean;
  /** Aborts the opening; an open connection is ended by `close()`. */
  signal?: AbortSignal;
  /** Milliseconds until it must be open. @default 30_000 */
  timeout?: number;
  /** Milliseconds between two pings; three without a byte in return end it. @default 20_000 */
  pingInterval?: number;
  /** Milliseconds that the server has to answer a close, or else to go on. @default 5_000 */
  closeTimeout?: number;
}

/** The URL without what may be secret: user, password, query. */
function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** The server answered the upgrade with something else. */
export class UpgradeRefusedError extends Error {
  override name = "UpgradeRefusedError";
  /**
   * @param status of the HTTP response
   * @param reason one line: what the server sent as plain text, else the status text
   * @param retryAfterMs how long the server asks to wait before another try, if it does
   */
  constructor(
    url: URL,
    readonly status: number,
    readonly reason: string,
    readonly retryAfterMs?: number,
  ) {
    super(`cannot connect to "${shownUrl(url)}": ${reason} (${status})`);
  }
}

/** What `Retry-After` says in seconds, in milliseconds (RFC 9110, section 10.2.3); no dates. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}

interface OpenOptions extends Omit<WebSocketConnectionOptions, "protocol" | "rest"> {
  headers: Headers;
  protocols: string[];
  ca?: string;
  insecure?: boolean;
  signal: AbortSignal;
}

async function open(url: URL, options: OpenOptions): Promise<WebSocketConnection> {
  const { headers, protocols, signal } = options;
  let transport: RawConnection | undefined;
  const close = () => {
    try {
      transport?.close();
    } catch {
      // It is closed already.
    }
  };
  signal.addEventListener("abort", close);
  try {
    transport = await dial(url, options);
    signal.throwIfAborted();
    const head = await requestUpgrade(transport, { url, headers, protocols });
    if (head.status !== 101) {
      const reason = await refusalReason(transport, head);
      throw new UpgradeRefusedError(url, head.status, reason, retryAfter(head.headers));
    }
    signal.throwIfAborted();
    const protocol = head.headers.get("sec-websocket-protocol") ?? "";
    return new WebSocketConnection(transport, { ...options, protocol, rest: head.rest });
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/**
 * Opens a websocket.
 *
 * @param url `ws:` or `wss:`; a user and password in it become an Authorization header
 * @throws {UpgradeRefusedError} if the server answers with another status than 101
 * @throws {Error} `cannot connect to "…": why`, or the signal's reason
 */
export async function connectWebSocket(
  url: URL,
  options: WebSocketOptions = {},
): Promise<WebSocketConnection> {
  const { timeout = 30_000, pingInterval = 20_000, closeTimeout = 5_000 } = options;
  const { protocols = [], ca, insecure } = options;
  const headers = new Headers(options.headers);
  const given = options.signal ?? new AbortController().signal;
  using deadline = new Deadline(timeout, given);
  const { signal } = deadline;
  // Not each step heeds the signal, a look-up of a name does not.
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    const timers = { pingInterval, closeTimeout };
    const opening = open(url, { headers, protocols, ca, insecure, signal, ...timers });
    return await Promise.race([opening, aborted.promise]);
  } catch (cause) {
    given.throwIfAborted();
    if (cause instanceof UpgradeRefusedError) throw cause;
    const why = deadline.passed ? errorMessage(signal.reason) : connectFailure(cause);
    throw new Error(`cannot connect to "${shownUrl(url)}": ${why}`, { cause });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
