import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Log } from "../cli/log.ts";
import { errorMessage } from "../cli/program.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { CloseCode, HALF_CLOSE_SUBPROTOCOL, HELLO_TIMEOUT_MS } from "../wire/protocol.ts";
import { VERSION } from "../version.ts";
import { type AgentContext, type DataConnection, serveAgent } from "./agent_connection.ts";
import { type ClientConnection, serveClient } from "./client_connection.ts";
import { Connection } from "./connection.ts";
import { headersOf, sendResponse, textResponse } from "./http.ts";
import { createListener, listen } from "./listener.ts";
import { logEvents } from "./log_events.ts";
import { Rendezvous } from "./rendezvous.ts";
import type { AgentInfo, ServerEvent } from "./rendezvous_types.ts";
import { type Pages, refusalResponse, Router, type StaticFiles, type Target } from "./router.ts";
import { passwordVerifier } from "./secrets.ts";
import { addressOf, type SiteConfig, siteOf } from "./site.ts";

/** How often the server looks after what, and how long it waits; in milliseconds. */
export interface Timing {
  /** Waiting clients and lost agents. */
  sweepMs: number;
  /** Peers are pinged; one that lets two pings pass without a sign of life is gone. */
  pingMs: number;
  /** An agent's connection must say by then what it is for. */
  helloMs: number;
  /** Peers answer the last close frame by then. */
  lastCloseMs: number;
}

const TIMING: Timing = {
  sweepMs: 1_000,
  pingMs: 15_000,
  helloMs: HELLO_TIMEOUT_MS,
  lastCloseMs: 1_000,
};

const WEBSOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // Each message is held in memory as a whole.
  maxPayload: 2 ** 20,
  // How long a peer gets to answer a close frame, in milliseconds; the types do not know it yet.
  closeTimeout: 10_000,
  handleProtocols: (offered: Set<string>) =>
    offered.has(HALF_CLOSE_SUBPROTOCOL) && HALF_CLOSE_SUBPROTOCOL,
};

export interface ServerDependencies {
  log: Log;
  /** Drains the server and ends it. */
  signal?: AbortSignal;
  /** @default there are none */
  pages?: Pages;
  /** @default there are none yet */
  staticFiles?: StaticFiles;
  /** Told of everything that happens, besides the log. */
  observe?: (event: ServerEvent) => void;
  /** For tests. */
  timing?: Partial<Timing>;
}

/** A listening server; leaving its scope ends it at once, without draining. */
export interface RunningServer extends AsyncDisposable {
  /** Its own address with the base path, `http://127.0.0.1:8000/prefix`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
  snapshot(): AgentInfo[];
}

/**
 * Starts the rendez-vous server.
 *
 * @throws {Error} if it cannot listen
 */
export async function startServer(
  options: ServerOptions,
  dependencies: ServerDependencies,
): Promise<RunningServer> {
  const { log, signal } = dependencies;
  const http = createListener(options);
  const password = options.password === undefined
    ? undefined
    : await passwordVerifier(options.password);
  const port = await listen(http, options);
  const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[options.host] ??
    (options.host.includes(":") ? `[${options.host}]` : options.host);
  const site: SiteConfig = {
    defaultHost: `${host}:${port}`,
    tls: options.tls !== undefined,
    basePath: options.basePath,
    trustProxy: options.trustProxy,
    username: options.username,
    password: password !== undefined,
    agentToken: options.agentToken !== undefined,
  };
  const url = siteOf(new Headers(), site).http;
  const server = new RendezvousServer(http, options, dependencies, site, {
    username: options.username,
    password,
    agentToken: options.agentToken,
  });
  const drain = () => void server.end(options.drain);
  signal?.addEventListener("abort", drain, { once: true });
  if (signal?.aborted) drain();
  log.info("listening", { url, host: options.host, port, version: VERSION });
  return {
    ...{ url, port, closed: server.closed },
    snapshot: () => server.snapshot(),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener("abort", drain);
      await server.end(0);
    },
  };
}

/** Answers requests, upgrades websockets and keeps watch over them until it ends. */
class RendezvousServer {
  readonly #http: Server;
  readonly #options: ServerOptions;
  readonly #log: Log;
  readonly #site: SiteConfig;
  readonly #policy: AgentContext["policy"];
  readonly #timing: Timing;
  readonly #rendezvous: Rendezvous<DataConnection, ClientConnection>;
  readonly #router: Router;
  readonly #observe: (event: ServerEvent) => void;
  readonly #connections = new Set<Connection>();
  readonly #websockets = new WebSocketServer(WEBSOCKET_OPTIONS);
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when draining is to be cut short. */
  readonly #hurry = Promise.withResolvers<void>();

  constructor(
    http: Server,
    options: ServerOptions,
    dependencies: ServerDependencies,
    site: SiteConfig,
    policy: AgentContext["policy"],
  ) {
    this.#http = http;
    this.#options = options;
    this.#log = dependencies.log;
    this.#site = site;
    this.#policy = policy;
    this.#timing = { ...TIMING, ...dependencies.timing };
    const logEvent = logEvents(dependencies.log);
    this.#observe = (event) => {
      logEvent(event);
      dependencies.observe?.(event);
    };
    this.#rendezvous = new Rendezvous({
      ...options,
      link: (data, client) => client.relay(data, options),
      observe: this.#observe,
    });
    const notYet = () => Promise.resolve(textResponse(503, "there are no files here yet"));
    this.#router = new Router({
      gate: this.#rendezvous,
      pages: dependencies.pages ?? (() => undefined),
      staticFiles: dependencies.staticFiles ?? notYet,
    });
    http.on("request", (request, response) => void this.#respond(request, response));
    http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#timers = [
      setInterval(() => this.#rendezvous.sweep(), this.#timing.sweepMs),
      setInterval(() => this.#ping(), this.#timing.pingMs),
    ];
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  snapshot(): AgentInfo[] {
    return this.#rendezvous.snapshot();
  }

  /** Ends, giving open pairs some time; called again, what is left ends at once. */
  async end(drainMs: number): Promise<void> {
    if (this.#rendezvous.draining) {
      this.#hurry.resolve();
      return await this.#closed.promise;
    }
    this.#log.info("draining", { drainMs });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const drained = this.#rendezvous.drain();
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, drainMs));
    await Promise.race([drained, timeout, this.#hurry.promise]);
    clearTimeout(timer);
    this.#rendezvous.closePairs(CloseCode.goingAway, "the server is ending");
    await this.#closeConnections();
    for (const timer of this.#timers) clearInterval(timer);
    this.#http.close(() => this.#closed.resolve());
    this.#http.closeAllConnections();
    await this.#closed.promise;
    this.#log.info("ended");
  }

  async #closeConnections(): Promise<void> {
    for (const connection of this.#connections) {
      connection.close(CloseCode.goingAway, "the server is ending");
    }
    const terminate = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, this.#timing.lastCloseMs);
    await Promise.all(Array.from(this.#connections, (connection) => connection.closed));
    clearTimeout(terminate);
  }

  #ping(): void {
    for (const connection of this.#connections) {
      if (!connection.alive) connection.terminate();
      connection.alive = false;
      connection.ping();
    }
  }

  async #respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    await sendResponse(message, response, await this.#answer(message));
  }

  async #answer(message: IncomingMessage): Promise<Response> {
    if (message.method !== "GET" && message.method !== "HEAD") {
      return textResponse(405, "only GET and HEAD are answered here", { allow: "GET, HEAD" });
    }
    try {
      const target = this.#target(message);
      return target instanceof Response ? target : await this.#router.respond(target);
    } catch (error) {
      this.#log.error("request failed", { path: message.url, error: errorMessage(error) });
      return textResponse(500, "the server failed to answer; its log says why");
    }
  }

  /** Finds out where a request goes, or why nowhere. */
  #target(message: IncomingMessage): Target | Response {
    const text = message.url ?? "";
    const url = URL.parse(text.startsWith("/") ? `http://localhost${text}` : text);
    const headers = headersOf(message);
    const site = siteOf(headers, this.#site);
    const { basePath } = this.#site;
    if (!url || !`${url.pathname}/`.startsWith(`${basePath}/`)) {
      return textResponse(404, `everything here is below ${basePath}/`);
    }
    let path: string;
    try {
      path = decodeURIComponent(url.pathname.slice(basePath.length)) || "/";
    } catch {
      return textResponse(400, "the path is not encoded as UTF-8");
    }
    const request = new Request(new URL(url.pathname + url.search, site.http), {
      method: message.method,
      headers,
    });
    return { request, site, path };
  }

  #upgrade(message: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const isWebsocket = /^websocket$/i.test(message.headers.upgrade ?? "");
    const target = isWebsocket && message.method === "GET" ? this.#target(message) : undefined;
    if (!target || target instanceof Response) {
      return void this.#answerUpgrade(message, socket, target ?? this.#answer(message));
    }
    const { remoteAddress = "" } = message.socket;
    const address = addressOf(remoteAddress, target.request.headers, this.#site.trustProxy);
    const answer = this.#router.admit(target);
    if ("refusal" in answer) {
      const { who, id, refusal } = answer;
      if (who) this.#observe({ type: "refused", who, id, address, refusal });
      return void this.#answerUpgrade(message, socket, refusalResponse(refusal));
    }
    const { who, id, waitMs } = answer;
    this.#websockets.handleUpgrade(message, socket, head as Buffer, (websocket) => {
      const connection = new Connection(websocket, address);
      this.#connections.add(connection);
      connection.closed.then(() => this.#connections.delete(connection));
      if (who === "client") return serveClient(connection, id, waitMs, this.#rendezvous);
      serveAgent(connection, id, {
        policy: this.#policy,
        rendezvous: this.#rendezvous,
        helloMs: this.#timing.helloMs,
        onRefused: (refusal) =>
          this.#observe({ type: "refused", who: "agent", id, address, refusal }),
      });
    });
  }

  /** Answers without upgrading and closes. */
  async #answerUpgrade(
    message: IncomingMessage,
    socket: Duplex,
    answer: Response | Promise<Response>,
  ): Promise<void> {
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as IncomingMessage["socket"]);
    response.once("finish", () => socket.end());
    socket.on("error", () => socket.destroy());
    await sendResponse(message, response, await answer);
  }
}
