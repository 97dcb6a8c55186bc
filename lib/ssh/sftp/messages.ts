/**
 * What the two sides of an SFTP thread say to each other. Bytes are handed over, not copied: their
 * sender must not look at them afterwards.
 *
 * @module
 */

/**
 * How many bytes may be on their way: of requests to a thread or waiting there, of replies from it to
 * the client.
 */
export const WINDOW = 1024 * 1024;

/** So many bytes that have arrived are reported together: each message costs time. */
export const REPORT = WINDOW / 4;

/** What a thread is told. */
export type ToThread =
  /** A client has come; relative paths start from `cwd`. */
  | { type: "start"; cwd: string }
  | { type: "data"; bytes: Uint8Array<ArrayBuffer> }
  /** So many bytes of replies have gone to the client. */
  | { type: "sent"; bytes: number }
  /** The client sends nothing more; what it has sent is still to be done. */
  | { type: "end" }
  /** The client has gone. */
  | { type: "abort" };

/** What a thread tells. */
export type FromThread =
  | { type: "data"; bytes: Uint8Array<ArrayBuffer> }
  /** So many bytes of requests are done with. */
  | { type: "taken"; bytes: number }
  /** The session is over, all it had open is closed; with an error if the client broke the protocol. */
  | { type: "ended"; error?: string };
