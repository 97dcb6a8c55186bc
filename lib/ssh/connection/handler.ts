/**
 * What handlers of channels, global requests, session requests and subsystems see of the SSH
 * server. A new ability of the server is one more entry in one of the maps of handlers.
 *
 * A handler refuses by throwing {@link Refused}. Any other error refuses too and is logged as a
 * warning. Neither ends the connection.
 *
 * @module
 */

import type { Log } from "../../log/log.ts";
import type { KeyOptions } from "../login/key_options.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import type { OpenFailure } from "../protocol/numbers.ts";

/** A refused request. The message goes to the client's user if the protocol can carry it. */
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
 * One open channel (RFC 4254, section 5). `end()` sends end of file and reading goes on; `close()`
 * ends both directions; writing to a closed channel throws. Several callers may write at a time.
 */
export interface Channel extends ByteStream {
  /** Sends extended data of type 1, with the same flow control as `write()`. */
  writeStderr(bytes: Uint8Array): Promise<void>;
  /** Sends a request of this channel that asks for no reply, for instance `exit-status`. */
  request(type: string, data?: Uint8Array): void;
}

/** Who is at the other end of a stream. */
export interface Peer {
  /** The IP address that it comes from, or another name if it has none. */
  readonly address: string;
}

/** One client that is logged in. */
export interface SshConnection {
  /** Grows by one with each connection of this server; for logs. */
  readonly id: number;
  /** See {@link Peer.address}. */
  readonly address: string;
  /** What the client's key allows. */
  readonly permissions: KeyOptions;
  /** Adds the connection to each line. */
  readonly log: Log;
  /** Aborted when the connection ends or is to end; a handler closes what it has open. */
  readonly signal: AbortSignal;
  /**
   * Opens a channel to the client, for instance `forwarded-tcpip`.
   *
   * @param data what the type adds to SSH_MSG_CHANNEL_OPEN
   * @throws {Refused} if the client refuses, or the connection has ended
   */
  openChannel(type: string, data: Uint8Array): Promise<Channel>;
  /** Makes `serve()` wait for `work`, for what outlives a handler's own promise. */
  track(work: Promise<unknown>): void;
}

/** A client's request for a channel. */
export interface ChannelRequest {
  readonly type: string;
  /** What the type adds to SSH_MSG_CHANNEL_OPEN; valid until `accept()`. */
  readonly data: Uint8Array;
  readonly connection: SshConnection;
  /** Opens the channel; can be called once. */
  accept(): Channel;
}

/**
 * Serves channels of one type: calls `accept()`, or throws to refuse. The channel is closed when
 * the promise settles.
 */
export type ChannelHandler = (request: ChannelRequest) => Promise<void>;

/** A client's request that concerns the whole connection (RFC 4254, section 4). */
export interface GlobalRequest {
  readonly name: string;
  readonly data: Uint8Array;
  readonly connection: SshConnection;
}

/** Serves global requests of one name; resolves to the data of the reply. */
export type GlobalRequestHandler = (request: GlobalRequest) => Promise<Uint8Array | void>;

/** A session before and while its program runs (RFC 4254, section 6). */
export interface SessionContext {
  readonly connection: SshConnection;
  /** The directory in which its program starts. */
  readonly cwd: string;
  /** The program's environment; requests may add to it before the program starts. */
  readonly env: Record<string, string>;
  /** Aborted once the session has ended. */
  readonly signal: AbortSignal;
  /** Shows its user a sentence before its program's output. */
  tell(sentence: string): void;
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

/** Serves one subsystem; resolves to its exit status [0]. The channel is closed afterwards. */
export type SubsystemHandler = (
  channel: Channel,
  session: SessionContext,
) => Promise<number | void>;

/** A session as its observer sees it. */
export interface SessionInfo {
  readonly id: number;
  /** Whose session it is. */
  readonly peer: Peer;
  readonly kind: "shell" | "exec" | "sftp" | "forward";
  readonly pty: boolean;
  /**
   * Shows a message in the terminal of a shell without disturbing the program there; bytes are
   * written as they are. Does nothing in other sessions. Never throws.
   */
  notify(text: string | Uint8Array): void;
  /** Shows the last message before the agent ends; no output follows. Never throws. */
  farewell?(text: string): void;
}

/** How a session has ended. */
export interface SessionEnd {
  /** Whether its shell ended by itself, not successfully, before its user had typed anything. */
  failed: boolean;
}

/** Watches sessions. No method may throw. */
export interface SessionObserver {
  opened?(session: SessionInfo): void;
  closed?(session: SessionInfo, end: SessionEnd): void;
  /** A client has sent data on a channel. */
  input?(): void;
  /** Text for the terminal of a shell with a pty, shown before the shell starts. */
  welcome?(session: SessionInfo): string;
}

/** An entry of a map whose keys come from the network. */
export function own<T>(map: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
