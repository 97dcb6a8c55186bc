/**
 * How often a connection of a resumable stream pings, in milliseconds. After three without a byte in
 * return it is lost: within 20 s, and the stream goes on on another one.
 */
export const RESUMABLE_PING_MS = 5_000;

/**
 * One connection of a resumable stream: messages in order, until it is lost. An open websocket is
 * one.
 */
export interface StreamLink {
  /**
   * Sends a message, text or bytes, which it has taken when it returns; the promise settles when it
   * takes more.
   *
   * @throws {Error} if the connection is lost
   */
  send(message: string | Uint8Array): Promise<void>;

  /**
   * The next message, or null after a clean close. Bytes are good until the next call. They may be
   * cut differently from how they were sent.
   *
   * @throws {Error} if the connection is lost
   */
  receive(): Promise<string | Uint8Array | null>;

  /**
   * From here on hands each message to `sink` as it comes, and those that wait now; bytes are good
   * until it returns. `receive()` tells of the end only. Missing: all comes by `receive()`.
   */
  deliverTo?(sink: (message: string | Uint8Array) => void): void;

  /** Closes it behind what was sent; never throws. */
  close(code?: number, reason?: string): void;

  /** Waits until bytes may be sent; resolves to how many. Missing: any number, at any time. */
  room?(): Promise<number>;
}
