import { HALF_CLOSE_SUBPROTOCOL, RESUME_SUBPROTOCOL } from "../../protocol/messages.ts";
import { errorMessage } from "../../text/error_message.ts";
import { textResponse } from "./http.ts";

/** A request that became a websocket. */
export interface Upgraded {
  socket: WebSocket;
  /** The response that the request gets. */
  response: Response;
  /** Whether both sides speak {@link HALF_CLOSE_SUBPROTOCOL}, or what includes it. */
  halfClose: boolean;
  /** Whether both sides speak {@link RESUME_SUBPROTOCOL}. */
  resumable: boolean;
}

/** The best comes first. */
const SUBPROTOCOLS = [RESUME_SUBPROTOCOL, HALF_CLOSE_SUBPROTOCOL];

/** Whether a request asks for a websocket. */
export function isUpgrade(request: Request): boolean {
  return /^websocket$/i.test(request.headers.get("upgrade") ?? "");
}

function offeredBy(request: Request): string[] {
  // Deno wants the space, and throws if it does not find its protocol.
  return (request.headers.get("sec-websocket-protocol") ?? "").split(", ");
}

/** Whether a client can go on with its stream on another connection. */
export function offersResuming(request: Request): boolean {
  return offeredBy(request).includes(RESUME_SUBPROTOCOL);
}

/**
 * Makes a websocket of a request (RFC 6455, section 4.2).
 *
 * @param idleMs a client that is silent for half of this is pinged and has the other half to answer
 * @returns a response that says why if the handshake is invalid
 */
export function upgradeWebSocket(request: Request, idleMs: number): Upgraded | Response {
  // Deno accepts any version; RFC 6455, section 4.4 wants this response for all but one.
  if ((request.headers.get("sec-websocket-version") ?? "13") !== "13") {
    const line = "unsupported websocket version: this server speaks version 13";
    return textResponse(426, line, { "sec-websocket-version": "13" });
  }
  const offered = offeredBy(request);
  const protocol = SUBPROTOCOLS.find((name) => offered.includes(name));
  try {
    return {
      ...Deno.upgradeWebSocket(request, { idleTimeout: idleMs / 1_000, protocol }),
      halfClose: protocol !== undefined,
      resumable: protocol === RESUME_SUBPROTOCOL,
    };
  } catch (error) {
    return textResponse(400, `invalid websocket handshake: ${errorMessage(error)}`);
  }
}
