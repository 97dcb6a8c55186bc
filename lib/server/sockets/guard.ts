/**
 * Bounds connections from outside of `Deno.serve` and its native websockets, which cannot do it
 * themselves: docs/decisions/0004 says why, docs/operate what an operator sees of it.
 *
 * @module
 */
import { GuardedConnection, type GuardedSocket, type Verdict } from "./guarded_connection.ts";
import type { OwnSocket, Sockets } from "./own_sockets.ts";

/** How often to look at memory, in milliseconds. A flood on one machine brings about 15 MiB. */
export const TICK_MS = 20;
/** By how many bytes memory has to grow for a look at all connections at once. */
const GROWTH = 16 * 2 ** 20;
/** Time between two looks at all connections, in milliseconds. */
const PASS_MS = 2_000;
/** The share of its time that the server spends on looks at most. */
const MAX_SHARE = 0.1;
/** By how many bytes memory has to grow for a look whatever the last one took. */
const FLOOD = 3 * GROWTH;

/** How many bytes all incomplete messages together may have. */
const MAX_INCOMPLETE = 32 * 2 ** 20;
/** Incomplete messages below this are never ended, in bytes. */
const HARMLESS = 2 ** 20;

/**
 * How many bytes that are not sent yet the kernel keeps for a connection: more would hide from us
 * how far the peer is, and be in front of a shell's echo.
 */
const MAX_UNSENT = 16 * 1024;

/** A connection that the guard has ended. */
export interface Dropped extends Verdict {
  /** The address and port of the peer: a proxy's, if there is one. */
  peer: string;
}

export interface GuardOptions {
  sockets: Sockets;
  /** The port whose connections to guard. */
  port: number;
  onDropped(dropped: Dropped): void;
  /** Monotonic, in milliseconds. @default performance.now */
  now?: () => number;
  /** The memory of the process in bytes. @default its resident memory */
  memory?: () => number;
}

/**
 * Ends connections whose websocket message grows beyond its limit, that bring no request in time,
 * or whose peer does not take what it is sent. {@link Guard.tick} is to be called every
 * {@link TICK_MS}. It looks at all connections every two seconds, a thousand each tick, and at once
 * when memory grows.
 */
export class Guard implements Disposable {
  readonly #options: GuardOptions;
  readonly #now: () => number;
  readonly #memory: () => number;
  readonly #connections = new Map<string, GuardedConnection>();
  #slices?: Iterator<OwnSocket[]>;
  #pass = 0;
  #lastMemory: number;
  #nextPass: number;
  #notBefore = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#memory = options.memory ?? (() => Deno.memoryUsage().rss);
    this.#lastMemory = this.#memory();
    this.#nextPass = this.#now() + PASS_MS;
  }

  /** The port has begun to listen. */
  listening(): void {
    const { sockets, port } = this.#options;
    sockets.prepare(port, MAX_UNSENT);
  }

  /** Has the port accept nothing more; open connections go on. */
  stopListening(): void {
    const { sockets, port } = this.#options;
    sockets.stopListening(port);
  }

  /** A request has arrived. @returns what to call when it is answered */
  request(peer: string): () => void {
    const connection = this.#beforeUpgrade(peer);
    connection.asked();
    return () => connection.answered(this.#now());
  }

  /** The connection carries a websocket from now on. */
  upgraded(peer: string, websocket: GuardedSocket): void {
    this.#beforeUpgrade(peer).websocket = websocket;
    websocket.closed.then(() => {
      const isLast = this.#connections.get(peer)?.websocket === websocket;
      if (isLast) this.#connections.delete(peer);
    });
  }

  /**
   * A connection that carries no websocket yet. One that does is a former one from the same port,
   * whose end we have not heard of.
   */
  #beforeUpgrade(peer: string): GuardedConnection {
    const known = this.#connections.get(peer);
    return known && !known.websocket ? known : this.#add(peer);
  }

  /** Looks at some connections, or at all, as time and memory demand. */
  tick(): void {
    const start = this.#now();
    const memory = this.#memory();
    this.#lastMemory = Math.min(this.#lastMemory, memory);
    const grown = memory - this.#lastMemory;
    const urgent = grown > (start >= this.#notBefore ? GROWTH : FLOOD);
    if (!urgent && this.#slices === undefined && start < this.#nextPass) return;
    this.#slices ??= this.#startPass();
    let slice = this.#slices.next();
    while (urgent && !slice.done) {
      for (const socket of slice.value) this.#see(socket);
      slice = this.#slices.next();
    }
    if (!slice.done) return slice.value.forEach((socket) => this.#see(socket));
    this.#slices = undefined;
    this.#judgeAll();
    const end = this.#now();
    this.#nextPass = end + PASS_MS;
    this.#notBefore = end + (end - start) / MAX_SHARE;
    if (urgent) this.#lastMemory = memory;
  }

  [Symbol.dispose](): void {
    this.#options.sockets[Symbol.dispose]();
  }

  #startPass(): Iterator<OwnSocket[]> {
    this.#pass++;
    return this.#options.sockets.slices(this.#options.port)[Symbol.iterator]();
  }

  #add(peer: string): GuardedConnection {
    const connection = new GuardedConnection(this.#pass, this.#now());
    this.#connections.set(peer, connection);
    return connection;
  }

  #see(socket: OwnSocket): void {
    let connection = this.#connections.get(socket.peer) ?? this.#add(socket.peer);
    if (connection.isOlderThan(socket)) {
      // A new connection from the same port, whose request may be known already.
      if (connection.askedSinceSeen) connection.restart(this.#now());
      else connection = this.#add(socket.peer);
    }
    connection.see(socket, this.#pass, this.#now());
  }

  #judgeAll(): void {
    let sum = 0;
    const incomplete: [string, GuardedConnection][] = [];
    for (const [peer, connection] of this.#connections) {
      // One that came while this pass was under way may have been missed.
      if (connection.pass < this.#pass - 1) this.#connections.delete(peer);
      if (connection.pass !== this.#pass || connection.sockets.length === 0) continue;
      const verdict = connection.judge(this.#now());
      if (verdict) this.#drop(peer, connection, verdict);
      else if (connection.websocket) {
        sum += connection.incomplete;
        if (connection.incomplete > HARMLESS) incomplete.push([peer, connection]);
      }
    }
    if (sum <= MAX_INCOMPLETE) return;
    incomplete.sort(([, a], [, b]) => b.incomplete - a.incomplete);
    for (const [peer, connection] of incomplete) {
      const reason = "all incomplete messages together took too much memory";
      this.#drop(peer, connection, { label: "message-too-long", reason });
      sum -= connection.incomplete;
      if (sum <= MAX_INCOMPLETE / 2) return;
    }
  }

  #drop(peer: string, connection: GuardedConnection, { label, reason }: Verdict): void {
    this.#connections.delete(peer);
    connection.websocket?.drop(reason);
    for (const socket of connection.sockets) this.#options.sockets.end(socket, this.#options.port);
    // An idle connection of a proxy or a browser is nothing to tell of.
    if (label === "no-request" && connection.hasAsked) return;
    this.#options.onDropped({ label, reason, peer });
  }
}
