/** Websockets between nodes, as the relay wants to have them. */
import { MESSAGE_COST } from "../../protocol/messages.ts";
import type { MessageSocket } from "../../wire/message_socket.ts";
import { WebSocketClosedError, type WebSocketConnection } from "../../wire/websocket/websocket.ts";
import type { TakenReports } from "../relay/peer_socket.ts";
import { UNREPORTED } from "../relay/flow_reports.ts";

/** A `FlowMessage`, as the relay of a node writes it. */
const REPORT = /^\{"type":"flow","taken":(\d{1,15})\}$/;

type SocketMessage = string | ArrayBuffer;

function lengthOf(data: SocketMessage): number {
  return typeof data === "string" ? data.length : data.byteLength;
}

/** The bytes as a native websocket gives them. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  const isWhole = bytes.length === bytes.buffer.byteLength;
  return (isWhole ? bytes : bytes.slice()).buffer as ArrayBuffer;
}

/** Our end of a websocket that this node has opened to another one. */
export class LinkSocket implements MessageSocket {
  /** It is open from the start. */
  onopen = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  binaryType: BinaryType = "arraybuffer";
  /** How many bytes the other node has not taken yet. */
  bufferedAmount = 0;
  readonly #connection: WebSocketConnection;
  #closed = false;

  constructor(connection: WebSocketConnection) {
    this.#connection = connection;
  }

  /** Starts to receive; what came before waits. */
  start(): void {
    void this.#receive();
  }

  get readyState(): number {
    return this.#closed ? WebSocket.CLOSED : WebSocket.OPEN;
  }

  send(data: SocketMessage): void {
    const length = lengthOf(data);
    this.bufferedAmount += length;
    const taken = () => void (this.bufferedAmount -= length);
    // How it ended shows where it is received.
    this.#connection.send(typeof data === "string" ? data : new Uint8Array(data))
      .then(taken, taken);
  }

  close(code = 1000, reason = ""): void {
    this.#connection.close(code, reason);
    // It drops what comes from here on, also the other's close.
    void this.#connection.closed.then(() => this.#end(code, reason));
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        const message = await this.#connection.receive();
        if (message === null) return this.#end(1000, "");
        const data = typeof message === "string" ? message : bufferOf(message);
        this.onmessage?.(new MessageEvent("message", { data }));
      }
    } catch (error) {
      if (error instanceof WebSocketClosedError && error.code !== 1006) {
        this.#end(error.code, error.reason);
      } else {
        this.#end(1006, "the connection between two nodes broke");
      }
    }
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
  }
}

/**
 * A websocket that another node has opened for a client. That node reports what the client has
 * taken, so that what waits over there counts here: the agent sends no faster than its client takes.
 */
export class ReportedSocket implements MessageSocket, TakenReports {
  onReport: (report: string) => void = () => {};
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  readonly #socket: WebSocket;
  /** Binary messages that the client has not taken yet, oldest first. */
  readonly #lengths: number[] = [];
  #buffered = 0;
  /** Of all messages up to the oldest of these, counted as in reports. */
  #gone = 0;
  #taken = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = (event) => this.onopen?.(event);
    socket.onclose = (event) => this.onclose?.(event);
    socket.onmessage = (event) => {
      if (!this.#isReport(event.data)) this.onmessage?.(event);
    };
  }

  get binaryType(): BinaryType {
    return "arraybuffer";
  }

  set binaryType(_type: BinaryType) {
    // It is no other.
  }

  get bufferedAmount(): number {
    return this.#buffered;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: SocketMessage): void {
    this.#socket.send(data);
    if (typeof data === "string") return;
    this.#lengths.push(data.byteLength);
    this.#buffered += data.byteLength;
    // Not now: the sender looks how much this message adds.
    queueMicrotask(() => this.#settle());
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  #isReport(data: unknown): boolean {
    const taken = typeof data === "string" ? REPORT.exec(data)?.[1] : undefined;
    if (taken === undefined) return false;
    this.#taken = Math.max(this.#taken, Number(taken));
    this.#settle();
    this.onReport(data as string);
    return true;
  }

  /** A node reports nothing while less than that is untaken, so that much may be taken. */
  #settle(): void {
    while (this.#lengths.length > 0) {
      const cost = this.#lengths[0]! + MESSAGE_COST;
      if (this.#gone + cost > this.#taken + UNREPORTED) return;
      this.#gone += cost;
      this.#buffered -= this.#lengths.shift()!;
    }
  }
}
