import type { Backlog } from "./backlog.ts";
import type { Closable } from "../rendezvous/types.ts";

/**
 * What a message costs beside its bytes, about: many tiny ones must not fill the memory while their
 * bytes alone look harmless.
 */
const MESSAGE_COST = 1_024;

/** The longest reason that fits into a close frame, in bytes (RFC 6455, section 5.5). */
const MAX_REASON = 123;

/** What {@link PeerSocket.onClose} gets for a connection that ended without a close frame. */
const ABNORMAL = 1006;

export interface PeerSocketOptions {
  address: string;
  /** Whether the half-close subprotocol was agreed on. */
  halfClose: boolean;
  backlog: Backlog;
}

/**
 * One websocket of an agent or a client, on the native one of `Deno.upgradeWebSocket`.
 *
 * What comes in goes to {@link PeerSocket.onMessage} and {@link PeerSocket.onClose}, which are set
 * again when the connection changes its role. Invariant: `onClose` is called once, last.
 *
 * A native websocket pings its peer and ends when no answer comes, but it cannot be dropped while
 * the peer takes nothing: it lives, with what waits in it, until the peer goes. So what waits is
 * bounded, for each receiver and for all together.
 */
export class PeerSocket implements Closable {
  onMessage: (data: string | ArrayBuffer) => void = () => {};
  onClose: (code: number, reason: string) => void = () => {};
  readonly #socket: WebSocket;
  readonly #backlog: Backlog;
  /** What is sent before the upgrade is through, and the close: a native websocket would forget that. */
  #early: (() => void)[] = [];
  /** What each message that the peer has not taken adds to `bufferedAmount`, oldest first. */
  #lengths: number[] = [];
  #bytes = 0;
  readonly #closed = Promise.withResolvers<void>();

  /** Where it comes from, as far as the server knows. */
  readonly address: string;
  /** Whether its peer can end one direction and keep the other. */
  readonly halfClose: boolean;

  constructor(socket: WebSocket, options: PeerSocketOptions) {
    this.#socket = socket;
    ({ address: this.address, halfClose: this.halfClose, backlog: this.#backlog } = options);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      for (const act of this.#early.splice(0)) act();
    };
    socket.onmessage = ({ data }) => this.onMessage(data);
    socket.onclose = ({ code, reason, wasClean }) => {
      // A peer that goes while it is being closed makes a second event.
      socket.onclose = null;
      this.#forget(this.#lengths.length);
      this.onClose(wasClean ? code : ABNORMAL, reason);
      this.#closed.resolve();
    };
  }

  /** Resolves when it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** About how many bytes of memory wait for the peer to take them. */
  get behind(): number {
    this.settle();
    return this.#bytes + this.#lengths.length * MESSAGE_COST;
  }

  /** Takes out of the backlog what the peer has taken meanwhile. */
  settle(): void {
    const { bufferedAmount } = this.#socket;
    let [taken, bytes] = [0, this.#bytes];
    while (taken < this.#lengths.length && bytes - this.#lengths[taken]! >= bufferedAmount) {
      bytes -= this.#lengths[taken++]!;
    }
    this.#forget(taken);
  }

  /** Sends a text frame for a string, else a binary one; after the close it sends nothing. */
  send(data: string | ArrayBuffer): void {
    const { readyState, CONNECTING, OPEN } = this.#socket;
    if (readyState === CONNECTING) return void this.#early.push(() => this.send(data));
    if (readyState !== OPEN) return;
    const before = this.#socket.bufferedAmount;
    this.#socket.send(data);
    const length = this.#socket.bufferedAmount - before;
    this.#lengths.push(length);
    this.#bytes += length;
    this.#backlog.bytes += length + MESSAGE_COST;
  }

  /** Ends cleanly: the peer gets what was sent, then a close frame. */
  end(): void {
    this.close(1000, "");
  }

  /** Sends no more; the close frame comes behind what was sent before. */
  close(code: number, reason: string): void {
    const { readyState, CONNECTING } = this.#socket;
    if (readyState === CONNECTING) return void this.#early.push(() => this.close(code, reason));
    const bytes = new TextEncoder().encode(reason);
    this.#socket.close(code, bytes.length <= MAX_REASON ? reason : `${reason.slice(0, 38)}…`);
  }

  #forget(messages: number): void {
    const bytes = this.#lengths.splice(0, messages).reduce((sum, length) => sum + length, 0);
    this.#bytes -= bytes;
    this.#backlog.bytes -= bytes + messages * MESSAGE_COST;
  }
}
