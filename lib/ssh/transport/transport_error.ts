import type { DisconnectReason } from "../protocol/numbers.ts";

/** What ends a connection, with the reason that the client is given (RFC 4253, section 11.1). */
export class TransportError extends Error {
  override name = "TransportError";
  readonly reason: typeof DisconnectReason[keyof typeof DisconnectReason];

  constructor(message: string, reason: TransportError["reason"]) {
    super(message);
    this.reason = reason;
  }
}
