/**
 * The messages between an SFTP thread and the main thread. Bytes are transferred, not copied: the
 * sender must not use them afterwards.
 *
 * @module
 */

/**
 * How many bytes may be under way: of requests to a thread or waiting there, and of replies from it
 * to the client.
 */
export const WINDOW = 1024 * 1024;

/** How many bytes are acknowledged by one message. */
export const REPORT = WINDOW / 4;

/** Messages to a thread. */
export type ToThread =
  /** Serve a client; relative paths start from `cwd`. */
  | { type: "start"; cwd: string }
  | { type: "data"; bytes: Uint8Array<ArrayBuffer> }
  /** How many more bytes of replies were sent to the client. */
  | { type: "sent"; bytes: number }
  /** The client sends no more; answer what it has sent, then end. */
  | { type: "end" }
  /** The client has disconnected. */
  | { type: "abort" };

/** Messages from a thread. */
export type FromThread =
  | { type: "data"; bytes: Uint8Array<ArrayBuffer> }
  /** How many more bytes of requests were processed. */
  | { type: "taken"; bytes: number }
  /** The session is over and its files are closed; `error` if the client broke the protocol. */
  | { type: "ended"; error?: string };
