/** Websockets between nodes, as the relay wants to have them. */
import { MESSAGE_COST } from "../../protocol/messages.ts";
import type { MessageSocket, SocketData } from "../../wire/message_socket.ts";
import { nextTurn } from "../../wire/turn.ts";
import { StandInSocket } from "../../wire/stand_in_socket.ts";
import { WebSocketClosedError, type WebSocketConnection } from "../../wire/websocket/websocket.ts";
import type { TakenReports } from "../relay/peer_socket.ts";
import { UNREPORTED } from "../relay/flow_reports.ts";

/** A `FlowMessage`, as the relay of a node writes it. */
const REPORT = /^\{"type":"flow","taken":(\d{1,15})\}$/;

/** So much at once, in bytes, is of a stream that will go on. */
const LARGE = 64 * 1024;

function lengthOf(data: SocketData): number {
  return typeof data === "string" ? data.length : data.byteLength;
}

/**
 * Our end of a websocket that this node has opened to another one. Bytes are given out as they come,
 * without regard to where messages end: what is copied is then never collected first.
 */
export class LinkSocket extends StandInSocket {
  readonly #connection: WebSocketConnection;
  #closing = false;

  constructor(connection: WebSocketConnection) {
    super();
    this.#connection = connection;
  }

  /** Starts to receive; what came before waits. */
  start(): void {
    this.#connection.deliverTo((data) => {
      this.receive(data as SocketData);
      // What is sent leaves before more is read, which may be there already.
      if (data.length >= LARGE) return nextTurn();
    });
    void this.#waitForEnd();
  }

  send(data: SocketData): void {
    const length = lengthOf(data);
    this.bufferedAmount += length;
    const taken = () => void (this.bufferedAmount -= length);
    // How it ended shows where it is received.
    this.#connection.send(data instanceof ArrayBuffer ? new Uint8Array(data) : data)
      .then(taken, taken);
  }

  close(code = 1000, reason = ""): void {
    this.#closing = true;
    this.#connection.close(code, reason);
    // It drops what comes from here on, also the other's close.
    void this.#connection.closed.then(() => this.end(code, reason));
  }

  async #waitForEnd(): Promise<void> {
    try {
      await this.#connection.receive();
      if (!this.#closing) this.end(1000, "");
    } catch (error) {
      if (error instanceof WebSocketClosedError && error.code !== 1006) {
        this.end(error.code, error.reason);
      } else {
        this.end(1006, "the connection between two nodes broke");
      }
    }
  }
}

/**
 * A websocket that another node has opened for a client. That node reports how many bytes the client
 * has taken, so that what waits over there counts here: the agent sends no faster than its client
 * takes.
 */
export class ReportedSocket implements MessageSocket, TakenReports {
  onTaken: (taken: number) => void = () => {};
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  readonly #socket: WebSocket;
  #sent = 0;
  #taken = 0;
  /** Messages that the client has not taken whole, oldest first. */
  readonly #lengths: number[] = [];
  /** Of those that it has: their bytes, and what they count in reports to the agent. */
  readonly #gone = { bytes: 0, counted: 0 };
  /** Of what counts in reports: what the agent was told. */
  #told = 0;

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
    return this.#sent - this.#taken;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: SocketData): void {
    this.#socket.send(data);
    if (typeof data === "string") return;
    this.#lengths.push(data.byteLength);
    this.#sent += data.byteLength;
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  #isReport(data: unknown): boolean {
    const taken = typeof data === "string" ? REPORT.exec(data)?.[1] : undefined;
    if (taken === undefined) return false;
    this.#taken = Math.min(Math.max(this.#taken, Number(taken)), this.#sent);
    const gone = this.#gone;
    while (this.#lengths.length > 0 && gone.bytes + this.#lengths[0]! <= this.#taken) {
      const length = this.#lengths.shift()!;
      gone.bytes += length;
      gone.counted += length + MESSAGE_COST;
    }
    if (gone.counted - this.#told >= UNREPORTED) this.onTaken(this.#told = gone.counted);
    return true;
  }
}
