/**
 * A two-way stream of bytes: what a websocket, a TCP connection and stdio have in common.
 *
 * - Bytes arrive in order, each once; how they were cut into writes is not kept.
 * - The two directions end apart: after {@link ByteStream.end} reading goes on, after `read()` gave
 *   null writing goes on.
 * - `close()` ends both at once and never throws; it may be called again.
 * - One `read()` at a time, one `write()` at a time.
 */
export interface ByteStream {
  /**
   * The next bytes, at least one, or null once the peer has ended its direction. They are good until
   * the next call: their memory is used again.
   *
   * @throws {Error} if the stream broke, with the reason
   */
  read(): Promise<Uint8Array | null>;

  /**
   * Sends bytes; resolves when the stream takes more, which is its flow control.
   * The caller must not change `bytes` before that, and may afterwards.
   *
   * @throws {Error} if the stream broke or was ended
   */
  write(bytes: Uint8Array): Promise<void>;

  /** Ends our direction once all is sent. */
  end(): Promise<void>;

  /** Ends both directions; with an error the peer is told why where the transport can. */
  close(error?: Error): void;

  /**
   * Settles when both directions have ended; never rejects.
   * Resolves to the error that broke the stream, if one did.
   */
  readonly closed: Promise<Error | undefined>;
}
