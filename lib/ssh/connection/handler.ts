/**
 * What the parts of the SSH server that are handlers in a map see: channels, global requests, session
 * requests and subsystems. A new ability of the server is one more entry in one of these maps.
 *
 * A handler refuses by throwing {@link Refused}; whatever else it throws refuses too, and is logged.
 * Neither ends the connection.
 *
 * @module
 */

import type { Log } from "../../log/log.ts";
import type { KeyOptions } from "../login/key_options.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import type { OpenFailure } from "../protocol/numbers.ts";

/** A request that is turned down; the message is for the client's user, where the protocol carries one. */
export class Refused extends Error {
  override name = "Refused";
  /** For channels: one of {@link OpenFailure}. */
  readonly reason?: number;

  constructor(message: string, reason?: typeof OpenFailure[keyof typeof OpenFailure]) {
    super(message);
    this.reason = reason;
  }
}

/**
 * One open channel (RFC 4254, section 5). `end()` sends end of file and leaves reading open; `close()`
 * ends both directions; writing to a closed channel throws. Several may write at a time.
 */
export interface Channel extends ByteStream {
  /** Sends extended data of type 1, with the same flow control as `write()`. */
  writeStderr(bytes: Uint8Array): Promise<void>;
  /** Sends a request of this channel that asks for no reply, for instance `exit-status`. */
  request(type: string, data?: Uint8Array): void;
}

/** Who is at the other end of a stream, as far as the one who serves it knows. */
export interface Peer {
  /** Where it comes from. */
  readonly address: string;
}

/** One client that is logged in. */
export interface SshConnection {
  /** Grows by one with each connection of this server; for logs. */
  readonly id: number;
  /** Where the client comes from, as far as the caller of `serve()` knows. */
  readonly address: string;
  /** What the key it logged in with allows. */
  readonly permissions: KeyOptions;
  /** Adds the connection to each line. */
  readonly log: Log;
  /** Aborted when the connection ends or is to end; whatever a handler keeps open has to go then. */
  readonly signal: AbortSignal;
  /**
   * Opens a channel to the client, for instance `forwarded-tcpip`.
   *
   * @param data what the type adds to SSH_MSG_CHANNEL_OPEN
   * @throws {Refused} if the client does not want it, or the connection has ended
   */
  openChannel(type: string, data: Uint8Array): Promise<Channel>;
  /** Makes `serve()` wait until `work` has settled; for what outlives a handler's own promise. */
  track(work: Promise<unknown>): void;
}

/** A client's wish for a channel. */
export interface ChannelRequest {
  readonly type: string;
  /** What the type adds to SSH_MSG_CHANNEL_OPEN; valid until `accept()`. */
  readonly data: Uint8Array;
  readonly connection: SshConnection;
  /** Opens the channel; to be called once. */
  accept(): Channel;
}

/**
 * Serves channels of one type. It calls `accept()`, or throws before that to refuse; the channel is
 * closed when its promise settles.
 */
export type ChannelHandler = (request: ChannelRequest) => Promise<void>;

/** A client's wish that concerns the whole connection (RFC 4254, section 4). */
export interface GlobalRequest {
  readonly name: string;
  readonly data: Uint8Array;
  readonly connection: SshConnection;
}

/** Serves global requests of one name; resolves to what the reply carries. */
export type GlobalRequestHandler = (request: GlobalRequest) => Promise<Uint8Array | void>;

/** A session before and while its program runs (RFC 4254, section 6). */
export interface SessionContext {
  readonly connection: SshConnection;
  /** Where its program starts. */
  readonly cwd: string;
  /** The environment its program gets; until that starts a request may add to it. */
  readonly env: Record<string, string>;
  /** Aborted once the session has ended. */
  readonly signal: AbortSignal;
}

/**
 * Serves requests of one type on a session channel, for instance `auth-agent-req@openssh.com`.
 *
 * @param data what the type adds to SSH_MSG_CHANNEL_REQUEST
 */
export type SessionRequestHandler = (
  session: SessionContext,
  data: Uint8Array,
) => Promise<void> | void;

/** Serves one subsystem; resolves to its exit status, nothing is 0. The channel is closed afterwards. */
export type SubsystemHandler = (
  channel: Channel,
  session: SessionContext,
) => Promise<number | void>;

/** What a session is, for those who watch. */
export interface SessionInfo {
  readonly id: number;
  /** Who has it. */
  readonly peer: Peer;
  readonly kind: "shell" | "exec" | "sftp" | "forward";
  readonly pty: boolean;
  /**
   * Says something in the terminal of a shell with a pty, so that a program in it is not disturbed; bytes
   * go there as they are. Nothing happens elsewhere. Never throws.
   */
  notify(text: string | Uint8Array): void;
  /** The last words in such a terminal before the agent ends; it shows nothing more. Never throws. */
  farewell?(text: string): void;
}

/** Watches sessions come and go. No method may throw. */
export interface SessionObserver {
  opened?(session: SessionInfo): void;
  closed?(session: SessionInfo): void;
  /** A client has sent data on any channel. */
  input?(): void;
  /** Text for the terminal of a shell with a pty, shown before the shell starts. */
  welcome?(session: SessionInfo): string;
}
