import { closeReason } from "../../protocol/close_reason.ts";
import { MESSAGE_COST } from "../../protocol/messages.ts";
import type { MessageSocket, SocketData } from "../../wire/message_socket.ts";
import type { Backlog } from "./backlog.ts";
import type { Closable } from "../rendezvous/types.ts";
import type { GuardedSocket } from "../sockets/guarded_connection.ts";

/** What {@link PeerRole.closed} gets for a connection that ended without a close frame. */
const ABNORMAL = 1006;

/** See {@link SocketData}. Only links between nodes give views. */
export type PeerData = SocketData;

/**
 * How long a message of a peer that is not paired may be, in bytes: a control message of 65,536
 * UTF-16 units has up to 196,608.
 */
const MAX_MESSAGE = 2 ** 18;

/** What a frame of a message adds to its bytes, in TLS: its header and that of the record. */
const FRAME_COST = 14 + 29;

/** What a connection is for at the moment. */
export interface PeerRole {
  /** How long a message may be, in bytes. @default 256 KiB */
  readonly maxMessage?: number;
  message(data: PeerData): void;
  /** Called once, last, of the role that owns the connection then. */
  closed(code: number, reason: string): void;
}

/** Of a connection that is being closed: what still comes in is dropped. */
export const CLOSING: PeerRole = { message() {}, closed() {} };

export interface PeerSocketOptions {
  address: string;
  /** Whether the half-close subprotocol was agreed on. */
  halfClose: boolean;
  /** Whether the subprotocol of resumable streams was. @default false */
  resumable?: boolean;
  backlog: Backlog;
  /** Missing: the peer does not say what it has taken. */
  reports?: TakenReports;
}

/** What a client has taken, as the node of a cluster says that it is connected to. */
export interface TakenReports {
  /** Called with what it has taken, in bytes, messages counted as in `FlowMessage`. */
  onTaken: (taken: number) => void;
}

/**
 * One websocket of an agent or a client, on the native one of `Deno.upgradeWebSocket`.
 *
 * One role at a time owns it and gets what comes in; {@link PeerSocket.handTo} passes it on.
 *
 * A native websocket pings its peer and ends without an answer, but it cannot be dropped while the
 * peer takes nothing: it stays, with all it has queued, until the peer disconnects. So the queue is
 * bounded, for each receiver and for all together.
 */
export class PeerSocket implements Closable, GuardedSocket {
  #role: PeerRole = CLOSING;
  readonly #socket: MessageSocket;
  readonly #backlog: Backlog;
  /** Sends and a close from before the upgrade is done, which a native websocket forgets. */
  #early: (() => void)[] = [];
  /** What each queued message adds to `bufferedAmount`, oldest first. */
  #lengths: number[] = [];
  #bytes = 0;
  #closing = false;
  #delivered = 0;
  #dropped = "";
  readonly #closed = Promise.withResolvers<void>();

  readonly reports?: TakenReports;
  /** The address of the peer, as far as the server knows it. */
  readonly address: string;
  /** Whether the peer can end one direction and keep the other. */
  readonly halfClose: boolean;
  /** Whether the peer can go on with its stream on another connection. */
  readonly resumable: boolean;

  constructor(socket: MessageSocket, options: PeerSocketOptions) {
    this.#socket = socket;
    ({ address: this.address, halfClose: this.halfClose, backlog: this.#backlog } = options);
    this.resumable = options.resumable ?? false;
    this.reports = options.reports;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      for (const act of this.#early.splice(0)) act();
    };
    socket.onmessage = ({ data }) => {
      this.#delivered += FRAME_COST + (typeof data === "string" ? data.length : data.byteLength);
      this.#role.message(data);
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      // A peer that disconnects while it is being closed causes a second event.
      socket.onclose = null;
      stopIdleTimer(socket);
      this.#forget(this.#lengths.length);
      this.#role.closed(wasClean ? code : ABNORMAL, this.#dropped || reason);
      this.#closed.resolve();
    };
  }

  /**
   * Hands the connection to another role.
   *
   * @param kept what the former role has taken in and the next one is to have first
   */
  handTo(role: PeerRole, kept: Iterable<PeerData> = []): void {
    this.#role = role;
    for (const data of kept) this.#role.message(data);
  }

  get delivered(): number {
    return this.#delivered;
  }

  get maxMessage(): number {
    return this.#role.maxMessage ?? MAX_MESSAGE;
  }

  get paired(): boolean {
    return this.#role.maxMessage !== undefined;
  }

  get closing(): boolean {
    return this.#closing;
  }

  drop(reason: string): void {
    this.#dropped = reason;
  }

  /** Resolves when it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** About how much memory is queued for the peer, in bytes. */
  get behind(): number {
    this.settle();
    return this.#bytes + this.#lengths.length * MESSAGE_COST;
  }

  /** How many bytes are queued for the peer. */
  get queued(): number {
    this.settle();
    return this.#bytes;
  }

  /** Subtracts from the backlog what the peer has taken since. */
  settle(): void {
    const { bufferedAmount } = this.#socket;
    let [taken, bytes] = [0, this.#bytes];
    while (taken < this.#lengths.length && bytes - this.#lengths[taken]! >= bufferedAmount) {
      bytes -= this.#lengths[taken++]!;
    }
    this.#forget(taken);
  }

  /** Sends a text frame for a string, else a binary one; nothing after the close. */
  send(data: PeerData): void {
    const { readyState, CONNECTING, OPEN } = this.#socket;
    if (readyState === CONNECTING) {
      const kept = data instanceof Uint8Array ? data.slice() : data;
      return void this.#early.push(() => this.send(kept));
    }
    if (readyState !== OPEN) return;
    const before = this.#socket.bufferedAmount;
    this.#socket.send(data);
    const isText = typeof data === "string";
    const length = isText ? this.#socket.bufferedAmount - before : data.byteLength;
    this.#lengths.push(length);
    this.#bytes += length;
    this.#backlog.bytes += length + MESSAGE_COST;
  }

  /** Ends cleanly: the peer gets all that was sent, then a close frame. */
  end(): void {
    this.close(1000, "");
  }

  /** Sends nothing more; the close frame follows what was sent before. */
  close(code: number, reason: string): void {
    const { readyState, CONNECTING } = this.#socket;
    if (readyState === CONNECTING) return void this.#early.push(() => this.close(code, reason));
    this.#closing = true;
    this.#socket.close(code, closeReason(reason));
  }

  #forget(messages: number): void {
    const bytes = this.#lengths.splice(0, messages).reduce((sum, length) => sum + length, 0);
    this.#bytes -= bytes;
    this.#backlog.bytes -= bytes + messages * MESSAGE_COST;
  }
}

/**
 * Deno 2.9 goes on with the timer of `idleTimeout` when a websocket has ended without a close frame,
 * and with it keeps the websocket for half of that time: hundreds of those a second would be tens of
 * MiB. Where Deno has another timer, or none, this does nothing.
 */
function stopIdleTimer(socket: object): void {
  for (const key of Object.getOwnPropertySymbols(socket)) {
    if (key.description !== "[[idleTimeoutTimeout]]") continue;
    const timer = (socket as Record<symbol, { _onTimeout?: () => void } | null>)[key];
    if (timer?._onTimeout) timer._onTimeout = nothing;
  }
}

function nothing(): void {}
