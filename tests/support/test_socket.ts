/**
 * A websocket for tests that remembers what came in, and an agent that only speaks the protocol.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import {
  HALF_CLOSE_SUBPROTOCOL,
  PROTOCOL_VERSION,
  type RegisteredMessage,
  RESUME_SUBPROTOCOL,
} from "../../lib/protocol/messages.ts";
import { agentPath } from "../../lib/protocol/urls.ts";

/** What came in: text, or bytes. */
export type Frame = string | Uint8Array;

/** The server did not upgrade. */
export class UpgradeRefused extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
    readonly headers: IncomingMessage["headers"],
  ) {
    super(`${status} ${body}`);
  }
}

export interface TestSocketOptions {
  /** Whether to offer the half-close subprotocol. */
  halfClose?: boolean;
  /** Whether to offer that of resumable streams instead. */
  resumable?: boolean;
  headers?: Record<string, string>;
  ca?: string;
}

/** An open websocket; leaving its scope drops it. */
export class TestSocket implements AsyncDisposable {
  /** Resolves with what the close frame said; code 1006 if there was none. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #frames: Frame[] = [];
  #changed = Promise.withResolvers<void>();

  private constructor(readonly socket: WebSocket) {
    socket.on("message", (data, binary) => {
      this.#frames.push(binary ? new Uint8Array(data as Uint8Array) : data.toString());
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#changed.resolve();
      })
    );
  }

  /** @throws {UpgradeRefused} */
  static open(url: string, options: TestSocketOptions = {}): Promise<TestSocket> {
    const protocols = options.resumable
      ? [RESUME_SUBPROTOCOL]
      : options.halfClose
      ? [HALF_CLOSE_SUBPROTOCOL]
      : [];
    const { headers, ca } = options;
    const socket = new WebSocket(url, protocols, { headers, ca, perMessageDeflate: false });
    const opened = new TestSocket(socket);
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(opened));
      socket.once("error", reject);
      socket.once("unexpected-response", async (_request, response) => {
        let body = "";
        for await (const chunk of response) body += new TextDecoder().decode(chunk as Uint8Array);
        reject(new UpgradeRefused(response.statusCode ?? 0, body, response.headers));
      });
    });
  }

  /** How many frames have come that nobody has taken. */
  get pending(): number {
    return this.#frames.length;
  }

  /** The next frame. @throws {Error} if the socket closes before there is one */
  async next(): Promise<Frame> {
    for (;;) {
      const changed = this.#changed.promise;
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.socket.readyState === WebSocket.CLOSED) {
        const { code, reason } = await this.closed;
        throw new Error(`closed with ${code} ${reason}`);
      }
      await changed;
    }
  }

  /** The next message of the protocol. */
  async nextMessage<T = Record<string, unknown>>(): Promise<T> {
    const frame = await this.next();
    if (typeof frame !== "string") throw new Error(`got ${frame.length} bytes, no message`);
    return JSON.parse(frame);
  }

  /** Exactly `length` bytes of the frames to come. */
  async bytes(length: number): Promise<Uint8Array> {
    const all = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const frame = await this.next();
      if (typeof frame === "string") throw new Error(`got the text ${frame}`);
      all.set(frame, at);
      at += frame.length;
    }
    return all;
  }

  send(data: Frame | object): void {
    const plain = typeof data === "string" || data instanceof Uint8Array;
    this.socket.send(plain ? data : JSON.stringify(data));
  }

  /** Waits until the server has read all that was sent: it answers a ping in its turn. */
  async settled(): Promise<void> {
    const pong = new Promise((resolve) => this.socket.once("pong", resolve));
    this.socket.ping();
    await Promise.race([pong, this.closed]);
  }

  close(code = 1000, reason = ""): void {
    this.socket.close(code, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

export const FACTS = { host: "ci-7", user: "runner", os: "linux", shell: "/bin/sh" };

/** What an agent says first. */
export function registerMessage(fields: object = {}): object {
  return {
    type: "register",
    protocol: PROTOCOL_VERSION,
    version: "0.0.1",
    facts: FACTS,
    ...fields,
  };
}

export interface ParkOptions extends TestSocketOptions {
  /** Whether to ask for reports of how far the client is. */
  flow?: boolean;
  /** Whether to say that streams can be resumed. */
  canResume?: boolean;
}

/** A registered agent without SSH. */
export class TestAgent implements AsyncDisposable {
  readonly #parked: TestSocket[] = [];

  private constructor(
    readonly base: string,
    readonly control: TestSocket,
    readonly registered: RegisteredMessage,
  ) {}

  /**
   * @param base the server's address for websockets
   * @param fields of the first message, to replace or add
   */
  static async register(base: string, id: string, fields: object = {}): Promise<TestAgent> {
    const control = await TestSocket.open(`${base}/${agentPath(id)}`);
    control.send(registerMessage(fields));
    return new TestAgent(base, control, await control.nextMessage<RegisteredMessage>());
  }

  get id(): string {
    return this.registered.id;
  }

  /** Opens a data connection and waits until the server has it parked, or has paired it. */
  async park(options: ParkOptions = { halfClose: true }): Promise<TestSocket> {
    const data = await TestSocket.open(`${this.base}/${agentPath(this.id)}`, options);
    this.#parked.push(data);
    const { resume } = this.registered;
    const { flow, canResume: resumable } = options;
    data.send({ type: "park", protocol: PROTOCOL_VERSION, resume, flow, resumable });
    await data.settled();
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.control, ...this.#parked]) await socket[Symbol.asyncDispose]();
  }
}

/** A client and its agent's data connection, paired. */
export async function pairUp(
  agent: TestAgent,
  clientOptions: TestSocketOptions = { halfClose: true },
  agentOptions?: ParkOptions,
): Promise<{ client: TestSocket; data: TestSocket } & AsyncDisposable> {
  const data = await agent.park(agentOptions);
  const client = await TestSocket.open(`${agent.base}/client/${agent.id}`, clientOptions);
  const { type } = await data.nextMessage();
  if (type !== "paired") throw new Error(`got ${type}, not paired`);
  return { client, data, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}
