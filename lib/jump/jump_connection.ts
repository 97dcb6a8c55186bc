import { VERSION } from "../dist/version.ts";
import type { Log } from "../log/log.ts";
import { ServerConnection } from "../ssh/connection/connection.ts";
import { type ChannelRequest, Refused } from "../ssh/connection/handler.ts";
import type { HostKey } from "../ssh/keys/host_key.ts";
import type { Admission } from "../ssh/login/admission.ts";
import { unrestricted } from "../ssh/login/key_options.ts";
import { DisconnectReason, Message, OpenFailure } from "../ssh/protocol/numbers.ts";
import { Reader, Writer } from "../ssh/protocol/wire_format.ts";
import { Transport } from "../ssh/transport/transport.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { MessageSocket } from "../wire/message_socket.ts";
import { ChannelSocket } from "./channel_socket.ts";
import { OpenLogin } from "./open_login.ts";

/** How long a client may take until it is logged in, in milliseconds. */
const LOGIN_MS = 30_000;

/** How long it may then be without a channel, in milliseconds. */
const IDLE_MS = 30_000;

/** How often a client is asked for a sign of life, in milliseconds; the second silence ends it. */
const KEEPALIVE_MS = 20_000;

/** How many agents one connection may lead to at a time. */
const MAX_CHANNELS = 16;

/**
 * What a client may send on a channel before it is told to go on, in bytes: at least half of it is
 * free at all times, more than an agent lets its client send (lib/ssh/connection/receive_window.ts).
 * PuTTY's plink reads nothing while what it writes to its proxy, another plink, waits for that one;
 * if the window were the smaller one, both would wait for each other.
 */
const CHANNEL_WINDOW = 16 * 2 ** 20;

/** How many channels of a connection are refused: with one more it is ended. */
const MAX_REFUSED = 100;

/**
 * Connects a client to an agent.
 *
 * @param request `wait` is as in `?wait=`
 * @param open makes the client's socket, if it is admitted
 * @returns why it is not
 */
export type OpenClient = (
  request: { id: string; wait: string; address: string },
  open: () => MessageSocket,
) => Whether | Promise<Whether>;

type Whether = { reason: string; label?: string } | undefined;

export interface JumpConnectionOptions {
  address: string;
  hostKey: HostKey;
  /** How long a client may take until it is logged in, in milliseconds. @default 30000 */
  loginMs?: number;
  /** How long it may then be without a channel, in milliseconds. @default 30000 */
  idleMs?: number;
  log: Log;
  admission: Admission;
  openClient: OpenClient;
}

/** One client of the jump host. */
export class JumpConnection {
  readonly #options: JumpConnectionOptions;
  readonly #transport: Transport;
  /** From the client's user name: `wait=5m` waits for the agent as `?wait=5m` does. */
  #wait = "0s";
  #channels = 0;
  #refused = 0;
  #heard = true;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: ByteStream, options: JumpConnectionOptions) {
    this.#options = options;
    const heard = {
      closed: stream.closed,
      read: async () => {
        const bytes = await stream.read();
        this.#heard = true;
        return bytes;
      },
      write: (bytes: Uint8Array) => stream.write(bytes),
      end: () => stream.end(),
      close: (error?: Error) => stream.close(error),
    };
    this.#transport = new Transport(heard, { hostKeys: [options.hostKey], version: VERSION });
  }

  /** Resolves when the connection has ended; never rejects. */
  async serve(signal: AbortSignal): Promise<void> {
    const { address, admission } = this.#options;
    const transport = this.#transport;
    const refuse = (reason: string) =>
      transport.disconnect(DisconnectReason.tooManyConnections, reason);
    const admitted = admission.admit(address, () => refuse("Too many clients are logging in"));
    let connection: ServerConnection | undefined;
    let keepalive: ReturnType<typeof setInterval> | undefined;
    const login = new OpenLogin(transport, (username) => {
      if ("succeeded" in admitted) admitted.succeeded();
      this.#wait = /^wait=(.+)$/.exec(username)?.[1] ?? "0s";
      connection = this.#connect();
      keepalive = setInterval(() => this.#keepAlive(), KEEPALIVE_MS);
      this.#startIdling();
    });
    this.#endIn(this.#options.loginMs ?? LOGIN_MS, "Login timed out");
    const end = () => this.#disconnect("The server is shutting down");
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    const running = transport.run((type, payload) => (connection ?? login).receive(type, payload));
    if ("refused" in admitted) refuse(admitted.refused);
    const error = await running;
    signal.removeEventListener("abort", end);
    clearInterval(keepalive);
    clearTimeout(this.#idle);
    if ("ended" in admitted) admitted.ended("disconnect");
    await connection?.end(error);
    clearTimeout(this.#idle);
    await transport.close();
  }

  #connect(): ServerConnection {
    const { address, log } = this.#options;
    return new ServerConnection(this.#transport, {
      id: 0,
      address,
      permissions: unrestricted(),
      log,
      receiveWindow: CHANNEL_WINDOW,
      channels: {
        "direct-tcpip": (request) => this.#forward(request),
        session: () => {
          const message = "this host leads to agents only: ssh -J HOST:PORT USER@ID";
          throw new Refused(message, OpenFailure.administrativelyProhibited);
        },
      },
      globalRequests: {},
      onInput: () => {},
      onChannel: () => {},
    });
  }

  /** Leads to the agent whose ID the client names as the host; the port means nothing. */
  async #forward(request: ChannelRequest): Promise<void> {
    if (this.#channels >= MAX_CHANNELS) {
      throw this.#refusal("too many channels on this connection", OpenFailure.resourceShortage);
    }
    const id = new Reader(request.data).text();
    let socket: ChannelSocket | undefined;
    const client = { id, wait: this.#wait, address: this.#options.address };
    this.#channels++;
    try {
      const refusal = await this.#options.openClient(client, () => {
        socket = new ChannelSocket(request.accept());
        return socket;
      });
      if (refusal !== undefined) {
        const reason = refusal.label === "unknown-id" ? unknownAgent(id) : refusal.reason;
        throw this.#refusal(reason, OpenFailure.connectFailed);
      }
      clearTimeout(this.#idle);
      await socket!.ended;
      if (this.#channels === 1) this.#startIdling();
    } finally {
      this.#channels--;
    }
  }

  #refusal(...why: ConstructorParameters<typeof Refused>): Refused {
    const reason = DisconnectReason.tooManyConnections;
    if (++this.#refused > MAX_REFUSED) this.#transport.disconnect(reason, "Too many channels");
    return new Refused(...why);
  }

  #startIdling(): void {
    const { idleMs = IDLE_MS } = this.#options;
    this.#endIn(idleMs, "No channel is open");
  }

  /** Ends the connection after a time, unless a channel is opened before. */
  #endIn(milliseconds: number, reason: string): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#disconnect(reason), milliseconds);
  }

  #keepAlive(): void {
    if (!this.#heard) return this.#transport.disconnect(DisconnectReason.byApplication, "Timeout");
    this.#heard = false;
    this.#transport.send(
      new Writer().byte(Message.globalRequest).string("keepalive@openssh.com").boolean(true)
        .bytes(),
    );
  }

  #disconnect(reason: string): void {
    this.#transport.disconnect(DisconnectReason.byApplication, reason);
  }
}

/** Why there is no agent for an ID, for a person with `ssh -J`. */
function unknownAgent(id: string): string {
  return `no agent "${id}" is registered here: check the ID and that the job is running, or jump ` +
    "as wait=5m@HOST to wait for it; -J writes the ID in lower case, for one with capitals use " +
    '-oProxyCommand="ssh -p PORT -W ID:22 HOST"';
}
