/** A key exchange method, on the server's side (RFC 4253, section 8; RFC 5656, section 4). */
export interface ExchangeMethod {
  /** The hash function, by node:crypto's name. */
  readonly hash: string;
  /**
   * Answers the client.
   *
   * @param value what the client sent: its public key, or an mpint of it
   * @throws {MalformedError} if the value must not be used
   */
  respond(value: Uint8Array): ExchangeAnswer;
}

export interface ExchangeAnswer {
  /** Our public key in the format of the client's. */
  value: Uint8Array;
  /** The shared secret as keys are derived from it: an mpint or a string, with its length. */
  secret: Uint8Array;
}
