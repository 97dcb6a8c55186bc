import { formatBytes } from "../../../templates/assets/shared/format.js";
import type { DropLabel } from "../rendezvous/types.ts";
import type { OwnSocket } from "./own_sockets.ts";

/** How long a new connection has for its first request, in milliseconds. */
const REQUEST_MS = 15_000;
/** How long a connection may be idle between two requests, longer than proxies keep theirs. */
const IDLE_MS = 180_000;
/** How long a peer may take nothing of a response or of what precedes a close, in milliseconds. */
const STALLED_MS = 60_000;
/** What a peer has to take in that time of more than that, in bytes: fewer are nothing. */
const LEAST_TAKEN = 16 * 1024;
/** How long a peer may take for all that precedes a close, in milliseconds. */
const CLOSING_MS = 600_000;

/** A websocket on a connection. */
export interface GuardedSocket {
  /** About how many bytes of the connection were delivered as messages so far. */
  readonly delivered: number;
  /** How long a message may be, in bytes. */
  readonly maxMessage: number;
  /** Whether it is one of a pair, which may send as much as it likes. */
  readonly paired: boolean;
  /** Whether it is being closed from this side. */
  readonly closing: boolean;
  readonly closed: Promise<void>;
  /** Tells why the connection is about to end. */
  drop(reason: string): void;
}

/** Why a connection has to end. */
export interface Verdict {
  label: DropLabel;
  reason: string;
}

/** What the guard knows of one connection. All times are in milliseconds, of one clock. */
export class GuardedConnection {
  /** The pass that saw it last. */
  pass: number;
  /** What that pass saw; several if a peer uses one port for several addresses of ours. */
  sockets: OwnSocket[] = [];
  websocket?: GuardedSocket;
  /** Whether it has brought a request. */
  hasAsked = false;
  /** Whether it has brought one since a pass saw it. */
  askedSinceSeen = false;
  /** Bytes of a message that is not complete yet, at most. */
  incomplete = 0;
  /** Requests that are being answered. */
  #requests = 0;
  /** When it was first seen, or its last request ended. */
  #idleSince: number;
  /** When the peer last took enough, and how much it has taken by then. */
  #progress: { at: number; acknowledged: number };
  /** When its websocket was first seen being closed. */
  #closingSince?: number;
  /** At the last pass: bytes read, of these delivered in messages, and with those that wait. */
  #seen = { received: 0, delivered: 0, total: 0 };

  constructor(pass: number, now: number) {
    this.pass = pass;
    this.#idleSince = now;
    this.#progress = { at: now, acknowledged: 0 };
  }

  /** A request has come. */
  asked(): void {
    this.#requests++;
    this.hasAsked = this.askedSinceSeen = true;
  }

  /** A request is answered. */
  answered(now: number): void {
    this.#requests--;
    this.#idleSince = now;
  }

  /** Whether this is what a later connection from the same port looks like. */
  isOlderThan({ received, unread }: OwnSocket): boolean {
    // What was read alone may seem to shrink: more comes while it is computed.
    return received + unread < this.#seen.total;
  }

  /** What passes have seen was of a former connection from the same port. */
  restart(now: number): void {
    this.#seen = { received: 0, delivered: this.websocket?.delivered ?? 0, total: 0 };
    this.incomplete = 0;
    this.#idleSince = now;
    this.#progress = { at: now, acknowledged: 0 };
  }

  /** Takes in what a pass sees. */
  see(socket: OwnSocket, pass: number, now: number): void {
    this.askedSinceSeen = false;
    if (this.pass !== pass) this.sockets = [];
    this.pass = pass;
    this.sockets.push(socket);
    if (this.sockets.length > 1) return;
    const { websocket } = this;
    const { acknowledged, unread } = socket;
    const received = Math.max(socket.received, this.#seen.received);
    const isWaitedFor = socket.sending || websocket?.closing;
    if (!isWaitedFor || acknowledged - this.#progress.acknowledged >= LEAST_TAKEN) {
      this.#progress = { at: now, acknowledged };
    }
    if (websocket?.closing) this.#closingSince ??= now;
    const delivered = websocket?.delivered ?? 0;
    // A message that was delivered leaves at most the bytes that came since the last pass.
    const came = received - this.#seen.received;
    this.incomplete = delivered === this.#seen.delivered
      ? this.incomplete + came
      : Math.max(0, came - (delivered - this.#seen.delivered));
    this.#seen = { received, delivered, total: socket.received + unread };
  }

  /** Why it has to end, if it breaks a rule; to be called after a pass that has seen it. */
  judge(now: number): Verdict | undefined {
    const { websocket } = this;
    // Who is not paired has nothing to send that is longer. A kernel may have queued some MiB, which
    // are all read before the next look.
    const mayQueue = !websocket || websocket.paired || websocket.closing;
    const queued = mayQueue ? 0 : this.sockets[0]!.unread;
    if (websocket && this.incomplete + queued > websocket.maxMessage) {
      const reason = `a message of more than ${formatBytes(websocket.maxMessage)}`;
      return { label: "message-too-long", reason };
    }
    const idleMs = this.hasAsked ? IDLE_MS : REQUEST_MS;
    if (!websocket && this.#requests === 0 && now - this.#idleSince >= idleMs) {
      return { label: "no-request", reason: "no request came in time" };
    }
    const isWaitedFor = websocket ? websocket.closing : this.sockets[0]!.sending;
    if (isWaitedFor && now - this.#progress.at >= STALLED_MS) {
      return { label: "takes-nothing", reason: "the peer took nothing of what it was sent" };
    }
    if (this.#closingSince !== undefined && now - this.#closingSince >= CLOSING_MS) {
      return { label: "takes-nothing", reason: "the peer took too long until the close" };
    }
  }
}
