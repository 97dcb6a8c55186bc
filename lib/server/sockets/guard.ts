/**
 * Bounds connections from outside of `Deno.serve` and its native websockets, which cannot do it
 * themselves: docs/decisions/0004 says why, docs/operate what an operator sees of it.
 *
 * @module
 */
import { formatBytes } from "../../../templates/assets/shared/format.js";
import type { DropLabel } from "../rendezvous/types.ts";
import type { OwnSocket, Sockets } from "./own_sockets.ts";

/** How often to look at memory, in milliseconds. A flood on one machine brings about 15 MiB. */
export const TICK_MS = 100;
/** By how many bytes memory has to grow for a look at all connections at once. */
const GROWTH = 16 * 2 ** 20;
/** Time between two looks at all connections, in milliseconds. */
const PASS_MS = 2_000;
/** The share of its time that the server spends on looks at most. */
const MAX_SHARE = 0.1;
/** By how many bytes memory has to grow for a look whatever the last one took. */
const FLOOD = 3 * GROWTH;

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
/** How many bytes all incomplete messages together may have. */
const MAX_INCOMPLETE = 64 * 2 ** 20;
/** Incomplete messages below this are never ended, in bytes. */
const HARMLESS = 2 ** 20;

/**
 * How many bytes that are not sent yet the kernel keeps for a connection: more would hide from us
 * how far the peer is, and be in front of a shell's echo.
 */
const MAX_UNSENT = 64 * 1024;

/** A websocket on a connection. */
export interface GuardedSocket {
  /** About how many bytes of the connection were delivered as messages so far. */
  readonly delivered: number;
  /** How long a message may be, in bytes. */
  readonly maxMessage: number;
  /** Whether it is being closed from this side. */
  readonly closing: boolean;
  readonly closed: Promise<void>;
  /** Tells why the connection is about to end. */
  drop(reason: string): void;
}

/** What the guard knows of a connection. */
interface Connection {
  /** The pass that saw it last. */
  pass: number;
  /** What that pass saw; several if a peer uses one port for several addresses of ours. */
  sockets: OwnSocket[];
  /** Requests that are being answered. */
  requests: number;
  websocket?: GuardedSocket;
  /** When it was first seen, or its last request ended. */
  idleSince: number;
  /** How long it may be idle. */
  idleMs: number;
  /** When the peer last took enough, and how much it has taken by then. */
  progress: { at: number; acknowledged: number };
  /** When its websocket was first seen being closed. */
  closingSince?: number;
  /** At the last pass: bytes received, and of these delivered in messages. */
  seen: { received: number; delivered: number };
  /** Bytes of a message that is not complete yet, at most. */
  incomplete: number;
}

/** A connection that the guard has ended. */
export interface Dropped {
  label: DropLabel;
  reason: string;
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
  readonly #connections = new Map<string, Connection>();
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
    sockets.limitUnsent(port, MAX_UNSENT);
  }

  /** Has the port accept nothing more; open connections go on. */
  stopListening(): void {
    const { sockets, port } = this.#options;
    sockets.stopListening(port);
  }

  /** A request has arrived. @returns what to call when it is answered */
  request(peer: string): () => void {
    const connection = this.#connections.get(peer) ?? this.#add(peer);
    connection.requests++;
    connection.idleMs = IDLE_MS;
    return () => {
      connection.requests--;
      connection.idleSince = this.#now();
    };
  }

  /** The connection carries a websocket from now on. */
  upgraded(peer: string, websocket: GuardedSocket): void {
    const connection = this.#connections.get(peer) ?? this.#add(peer);
    connection.websocket = websocket;
    websocket.closed.then(() => {
      if (this.#connections.get(peer) === connection) this.#connections.delete(peer);
    });
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

  #add(peer: string): Connection {
    const now = this.#now();
    const connection: Connection = {
      pass: this.#pass,
      sockets: [],
      requests: 0,
      idleSince: now,
      idleMs: REQUEST_MS,
      progress: { at: now, acknowledged: 0 },
      seen: { received: 0, delivered: 0 },
      incomplete: 0,
    };
    this.#connections.set(peer, connection);
    return connection;
  }

  #see(socket: OwnSocket): void {
    let connection = this.#connections.get(socket.peer) ?? this.#add(socket.peer);
    // A new connection from the same port.
    if (socket.received < connection.seen.received) connection = this.#add(socket.peer);
    if (connection.pass !== this.#pass) connection.sockets = [];
    connection.pass = this.#pass;
    connection.sockets.push(socket);
    const { seen, progress, websocket } = connection;
    if (connection.sockets.length > 1) return;
    const { received, acknowledged } = socket;
    const isWaitedFor = socket.sending || websocket?.closing;
    if (!isWaitedFor || acknowledged - progress.acknowledged >= LEAST_TAKEN) {
      connection.progress = { at: this.#now(), acknowledged };
    }
    if (websocket?.closing) connection.closingSince ??= this.#now();
    const delivered = websocket?.delivered ?? 0;
    // A message that was delivered leaves at most the bytes that came since the last pass.
    const came = received - seen.received;
    connection.incomplete = delivered === seen.delivered
      ? connection.incomplete + came
      : Math.max(0, came - (delivered - seen.delivered));
    connection.seen = { received, delivered };
  }

  #judgeAll(): void {
    let sum = 0;
    const incomplete: [string, Connection][] = [];
    for (const [peer, connection] of this.#connections) {
      // One that came while this pass was under way may have been missed.
      if (connection.pass < this.#pass - 1) this.#connections.delete(peer);
      if (connection.pass !== this.#pass || connection.sockets.length === 0) continue;
      if (this.#judge(peer, connection) || !connection.websocket) continue;
      sum += connection.incomplete;
      if (connection.incomplete > HARMLESS) incomplete.push([peer, connection]);
    }
    if (sum <= MAX_INCOMPLETE) return;
    incomplete.sort(([, a], [, b]) => b.incomplete - a.incomplete);
    for (const [peer, connection] of incomplete) {
      const reason = "all incomplete messages together took too much memory";
      this.#drop(peer, connection, "message-too-long", reason);
      sum -= connection.incomplete;
      if (sum <= MAX_INCOMPLETE / 2) return;
    }
  }

  /** Ends a connection that breaks a rule of its own. */
  #judge(peer: string, connection: Connection): boolean {
    const { websocket, requests, idleSince, idleMs, progress, closingSince, sockets } = connection;
    const now = this.#now();
    if (websocket && connection.incomplete > websocket.maxMessage) {
      const reason = `a message of more than ${formatBytes(websocket.maxMessage)}`;
      this.#drop(peer, connection, "message-too-long", reason);
    } else if (!websocket && requests === 0 && now - idleSince >= idleMs) {
      this.#drop(peer, connection, "no-request", "no request came in time");
    } else if (
      (websocket ? websocket.closing : sockets[0]!.sending) && now - progress.at >= STALLED_MS
    ) {
      this.#drop(peer, connection, "takes-nothing", "the peer took nothing of what it was sent");
    } else if (closingSince !== undefined && now - closingSince >= CLOSING_MS) {
      this.#drop(peer, connection, "takes-nothing", "the peer took too long until the close");
    } else {
      return false;
    }
    return true;
  }

  #drop(peer: string, connection: Connection, label: DropLabel, reason: string): void {
    this.#connections.delete(peer);
    connection.websocket?.drop(reason);
    for (const socket of connection.sockets) this.#options.sockets.end(socket, this.#options.port);
    // An idle connection of a proxy or a browser is nothing to tell of.
    if (label === "no-request" && connection.idleMs === IDLE_MS) return;
    this.#options.onDropped({ label, reason, peer });
  }
}
