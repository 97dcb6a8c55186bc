/**
 * The agent's side of the rendez-vous: one control connection that comes back by itself, and parked
 * data connections that become clients.
 *
 * @module
 */
import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import { Backoff } from "../wire/dial/backoff.ts";
import { RESUMABLE_PING_MS } from "../wire/resume/stream_link.ts";
import { delay, within } from "../wire/delay.ts";
import {
  type AgentFacts,
  type AgentHello,
  CloseCode,
  type ControlMessage,
  type DataMessage,
  HALF_CLOSE_SUBPROTOCOL,
  parseMessage,
  PROTOCOL_VERSION,
  type RegisteredMessage,
  type StatusMessage,
} from "../protocol/messages.ts";
import { agentPath, websocketUrl } from "../protocol/urls.ts";
import {
  connectWebSocket,
  type WebSocketConnection,
  type WebSocketOptions,
} from "../wire/websocket/websocket.ts";
import {
  isFinal,
  receiveMessage,
  receiveRegistration,
  RefusedError,
  whyNotRegistered,
} from "./server_answer.ts";
import { type ClientHandlers, servePaired } from "./streams/serve_paired.ts";
import { VERSION } from "../dist/version.ts";

/** How long the agent tries to register at first before it gives up, in milliseconds. */
const FIRST_TRY_MS = 15_000;

/** How long the last frames have to go out when the agent ends, in milliseconds. */
const GOODBYE_MS = 1_000;

/** The most data connections that are kept parked, whatever the server asks for. */
const MAX_PARKED = 8;

export interface RegistrationOptions extends ClientHandlers {
  /** The server, with its base path. */
  server: URL;
  /** The ID to ask for. */
  id: string;
  /** What the server asks agents for, if it does. */
  token?: string;
  facts: AgentFacts;
  /** How to trust the server. */
  tls: Pick<WebSocketOptions, "ca" | "insecure">;
  log: Log;
  /** Called at each registration; the ID and the password may have changed. */
  onRegistered: (registration: RegisteredMessage) => void;
}

/**
 * Keeps an agent registered until it is told to stop.
 *
 * The first registration has to succeed within 15 seconds; after that the control connection comes
 * back forever, with backoff and jitter, under the same ID. Paired clients do not depend on it.
 */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #clients = new Set<Promise<void>>();
  /** Connections of streams that can go on on another one: their clients have to learn of the end. */
  readonly #resumable = new Set<WebSocketConnection>();
  #id: string;
  #resume: string | undefined;
  #control: WebSocketConnection | undefined;
  #status: StatusMessage | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#id = options.id;
  }

  /**
   * Runs until the signal; resolves when every client has been served.
   *
   * @throws {RefusedError} if the server turns the agent down at the first registration
   * @throws {Error} if the server cannot be reached at first
   */
  async run(signal: AbortSignal): Promise<void> {
    const { log, server } = this.#options;
    const giveUpAt = performance.now() + FIRST_TRY_MS;
    const backoff = new Backoff();
    const failures = new Set<string>();
    while (!signal.aborted) {
      try {
        await this.#session(signal, () => {
          backoff.reset();
          failures.clear();
        });
      } catch (error) {
        if (signal.aborted) break;
        const first = this.#resume === undefined;
        if (first && (isFinal(error) || performance.now() > giveUpAt)) {
          const place = `${server.origin}${server.pathname.replace(/\/$/, "")}`;
          throw new Error(`cannot register at ${place}: ${whyNotRegistered(error)}`, {
            cause: error,
          });
        }
        // A server may be away for hours: each reason is logged once, not at each try.
        const reason = errorMessage(error);
        log[failures.has(reason) ? "debug" : "warn"]("not registered, trying again", { reason });
        failures.add(reason);
      }
      await delay(backoff.next(), signal);
    }
    await Promise.all(this.#clients);
    const goodbyes = Array.from(this.#resumable, (connection) => {
      connection.close(CloseCode.goingAway, "the agent is ending");
      return connection.closed;
    });
    await within(GOODBYE_MS, Promise.all(goodbyes));
  }

  /** Tells operators how the agent is doing; told again after a reconnect. */
  report(status: StatusMessage): void {
    this.#status = status;
    this.#control?.send(JSON.stringify(status)).catch(() => {});
  }

  /** One control connection, from its start to its end. */
  async #session(signal: AbortSignal, onRegistered: () => void): Promise<void> {
    const control = await this.#connect(signal, {
      type: "register",
      protocol: PROTOCOL_VERSION,
      version: VERSION,
      token: this.#options.token,
      resume: this.#resume,
      facts: this.#options.facts,
    });
    try {
      const registration = this.#withoutSharedPassword(
        await receiveRegistration(control, signal),
      );
      if (this.#resume !== undefined) {
        this.#options.log.info("registered again", { id: registration.id });
      }
      this.#id = registration.id;
      this.#resume = registration.resume;
      this.#control = control;
      // Clients whose streams are to go on wait for it.
      control.pingEvery(RESUMABLE_PING_MS);
      onRegistered();
      this.#options.onRegistered(registration);
      if (this.#status) this.report(this.#status);
      await this.#stay(control, registration, signal);
    } finally {
      this.#control = undefined;
      control.close();
      // An agent that exits before the server has heard the goodbye counts as lost and blocks its
      // ID.
      await control.closed;
    }
  }

  /**
   * A registration without the server's password if the ID that was asked for is another agent's.
   * Everybody with the password can open every agent, and anyone who asks for that ID is after
   * another job: only a key of this job's own may log in.
   */
  #withoutSharedPassword(registration: RegisteredMessage): RegisteredMessage {
    if (registration.id === this.#options.id) return registration;
    return { ...registration, password: undefined };
  }

  /** Takes clients until the control connection ends. */
  async #stay(
    control: WebSocketConnection,
    registration: RegisteredMessage,
    signal: AbortSignal,
  ): Promise<void> {
    const lost = new AbortController();
    const ended = AbortSignal.any([signal, lost.signal]);
    ended.addEventListener("abort", () => control.close(1001, "the agent is ending"));
    if (ended.aborted) control.close(1001, "the agent is ending");
    // Clients that go on with their streams come all at once, at a server that was started again.
    const length = Math.min(Math.max(registration.parked, this.#clients.size), MAX_PARKED);
    const parked = Array.from({ length }, () => this.#park(registration, ended));
    try {
      for (let text = await control.receive(); text !== null; text = await control.receive()) {
        parseMessage<ControlMessage>(text, "draining");
        this.#options.log.info("the server is shutting down, reconnecting");
        break;
      }
    } finally {
      lost.abort();
      await Promise.all(parked);
    }
  }

  /** Keeps one data connection parked; each one that is paired is handed on and replaced. */
  async #park(registration: RegisteredMessage, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const backoff = new Backoff();
    while (!signal.aborted) {
      try {
        await this.#nextClient(registration, signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        log.debug("data connection lost before a client came", { reason: error });
        await delay(backoff.next(), signal);
      }
    }
  }

  /** Parks one data connection and waits until it is paired. */
  async #nextClient(registration: RegisteredMessage, signal: AbortSignal): Promise<void> {
    const connection = await this.#connect(signal, {
      type: "park",
      protocol: PROTOCOL_VERSION,
      resume: registration.resume,
      flow: true,
      resumable: this.#options.onResumable !== undefined,
    });
    const stop = () => connection.close(1001, "the agent is ending");
    signal.addEventListener("abort", stop);
    try {
      const message = await receiveMessage<DataMessage>(connection, "paired", "refused");
      if (message.type === "refused") throw new RefusedError(message.reason, message.retry);
      const serving = servePaired(connection, message, registration, this.#options);
      this.#clients.add(serving);
      serving.finally(() => this.#clients.delete(serving));
      if (!message.resumable) return;
      this.#resumable.add(connection);
      void connection.closed.then(() => this.#resumable.delete(connection));
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async #connect(signal: AbortSignal, hello: AgentHello): Promise<WebSocketConnection> {
    const connection = await connectWebSocket(
      websocketUrl(this.#options.server, agentPath(this.#id)),
      { ...this.#options.tls, protocols: [HALF_CLOSE_SUBPROTOCOL], signal },
    );
    await connection.send(JSON.stringify(hello));
    return connection;
  }
}
