import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { CloseCode, HALF_CLOSE_SUBPROTOCOL, HELLO_TIMEOUT_MS } from "../protocol/messages.ts";
import { VERSION } from "../dist/version.ts";
import { within } from "../wire/delay.ts";
import { type AgentContext, serveAgent } from "./relay/agent_connection.ts";
import { type ClientConnection, serveClient } from "./relay/client_connection.ts";
import { Connections } from "./relay/connections.ts";
import type { DataConnection } from "./relay/data_connection.ts";
import { protect, textResponse } from "./http/http.ts";
import { Listener } from "./http/listener.ts";
import type { ServerLoad } from "./telemetry/load.ts";
import { logEvents } from "./telemetry/log_events.ts";
import { Rendezvous } from "./rendezvous/rendezvous.ts";
import type { AgentInfo, ServerEvent } from "./rendezvous/types.ts";
import { type Pages, refusalResponse, Router, type StaticFiles } from "./http/router.ts";
import { passwordVerifier } from "./relay/password_verifier.ts";
import { clientAddress, type SiteConfig, siteConfig, siteOf } from "./http/site.ts";
import { findTarget, type RequestTarget } from "./http/target.ts";

/** How often the server looks after what, and how long it waits; in milliseconds. */
export interface Timing {
  /** Waiting clients and lost agents. */
  sweepMs: number;
  /** A peer that is silent for half of this is pinged, and has the other half to answer. */
  idleMs: number;
  /** An agent's connection must say by then what it is for. */
  helloMs: number;
  /** Peers answer the last close frame, and take the last answer, by then. */
  lastCloseMs: number;
}

const TIMING: Timing = {
  sweepMs: 1_000,
  idleMs: 30_000,
  helloMs: HELLO_TIMEOUT_MS,
  lastCloseMs: 1_000,
};

/** How many receivers may be as far behind as one may, before the farthest ones are closed. */
const SLOW_RECEIVERS = 64;

export interface ServerDependencies {
  log: Log;
  /** Drains the server and ends it. */
  signal?: AbortSignal;
  /** Cuts the draining short. */
  hurry?: AbortSignal;
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
  load(): ServerLoad;
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
  const { log, signal, hurry } = dependencies;
  const password = options.password === undefined
    ? undefined
    : await passwordVerifier(options.password);
  const policy = { username: options.username, password, agentToken: options.agentToken };
  const server = new RendezvousServer(options, dependencies, policy);
  const drain = () => void server.end(options.drain);
  signal?.addEventListener("abort", drain, { once: true });
  if (signal?.aborted) drain();
  hurry?.addEventListener("abort", drain, { once: true });
  const { url, port } = server;
  log.info("listening", { url, host: options.host, port, version: VERSION });
  return {
    ...{ url, port, closed: server.closed },
    snapshot: () => server.snapshot(),
    load: () => server.load(),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener("abort", drain);
      hurry?.removeEventListener("abort", drain);
      await server.end(0);
    },
  };
}

/** Answers requests, upgrades websockets and keeps watch over them until it ends. */
class RendezvousServer {
  readonly #listener: Listener;
  readonly #log: Log;
  readonly #site: SiteConfig;
  readonly #policy: AgentContext["policy"];
  readonly #timing: Timing;
  readonly #rendezvous: Rendezvous<DataConnection, ClientConnection>;
  readonly #router: Router;
  readonly #observe: (event: ServerEvent) => void;
  readonly #connections: Connections;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when draining is to be cut short. */
  readonly #hurry = Promise.withResolvers<void>();

  constructor(
    options: ServerOptions,
    dependencies: ServerDependencies,
    policy: AgentContext["policy"],
  ) {
    const { log } = dependencies;
    this.#log = log;
    this.#policy = policy;
    this.#timing = { ...TIMING, ...dependencies.timing };
    const logEvent = logEvents(log);
    this.#observe = (event) => {
      logEvent(event);
      dependencies.observe?.(event);
    };
    const { maxBuffer } = options;
    this.#connections = new Connections(SLOW_RECEIVERS * maxBuffer);
    const { backlog } = this.#connections;
    this.#rendezvous = new Rendezvous({
      ...options,
      link: (data, client, key) => client.relay(data, key, { maxBuffer, backlog }),
      observe: this.#observe,
    });
    const noPage: Pages = (_request, _site, path) =>
      textResponse(404, `there is nothing at ${path} here`);
    const notYet = () => Promise.resolve(textResponse(503, "there are no files here yet"));
    this.#router = new Router({
      gate: this.#rendezvous,
      pages: dependencies.pages ?? noPage,
      staticFiles: dependencies.staticFiles ?? notYet,
    });
    this.#listener = new Listener(options, (request, address) => {
      return this.#answer(request, address);
    }, log);
    this.#site = siteConfig(options, this.port);
    this.#sweeper = setInterval(() => this.#sweep(), this.#timing.sweepMs);
  }

  get port(): number {
    return this.#listener.port;
  }

  get url(): string {
    return siteOf(new Headers(), this.#site).http;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  snapshot(): AgentInfo[] {
    return this.#rendezvous.snapshot();
  }

  load(): ServerLoad {
    this.#connections.settle();
    const { size, backlog } = this.#connections;
    return {
      ...this.#rendezvous.counts(),
      connections: size,
      buffered: backlog.bytes,
      bufferLimit: backlog.limit,
    };
  }

  /** Ends, giving open pairs some time; called again, what is left ends at once. */
  async end(drainMs: number): Promise<void> {
    if (this.#rendezvous.draining) {
      this.#hurry.resolve();
      return await this.#closed.promise;
    }
    this.#log.info("draining", { drainMs });
    await within(drainMs, Promise.race([this.#rendezvous.drain(), this.#hurry.promise]));
    this.#rendezvous.closePairs(CloseCode.goingAway, "the server is ending");
    const { lastCloseMs } = this.#timing;
    await this.#connections.close(CloseCode.goingAway, "the server is ending", lastCloseMs);
    clearInterval(this.#sweeper);
    await this.#listener.close(lastCloseMs);
    this.#log.info("ended");
    this.#closed.resolve();
  }

  #sweep(): void {
    this.#rendezvous.sweep();
    this.#connections.settle();
  }

  async #answer(request: Request, remoteAddress: string): Promise<Response> {
    const response = await this.#respond(request, remoteAddress);
    return response.status === 101 ? response : protect(response);
  }

  async #respond(request: Request, remoteAddress: string): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return textResponse(405, "only GET and HEAD are answered here", { allow: "GET, HEAD" });
    }
    try {
      const target = findTarget(request, this.#site);
      if (target instanceof Response) return target;
      return /^websocket$/i.test(request.headers.get("upgrade") ?? "")
        ? this.#upgrade(request, remoteAddress, target)
        : await this.#router.respond(target);
    } catch (error) {
      this.#log.error("request failed", {
        path: new URL(request.url).pathname,
        error: errorMessage(error),
      });
      return textResponse(500, "the server failed to answer; its log says why");
    }
  }

  #upgrade(request: Request, remoteAddress: string, target: RequestTarget): Response {
    const address = clientAddress(remoteAddress, request.headers, this.#site.trustProxy);
    const answer = this.#router.admit(target);
    if ("refusal" in answer) {
      const { who, id, refusal } = answer;
      if (who) this.#observe({ type: "refused", who, id, address, refusal });
      return refusalResponse(refusal);
    }
    // Deno takes any version; RFC 6455, section 4.4 has this answer for all but one.
    if ((request.headers.get("sec-websocket-version") ?? "13") !== "13") {
      const line = "only version 13 of the websocket protocol is spoken here";
      return textResponse(426, line, { "sec-websocket-version": "13" });
    }
    const offered = request.headers.get("sec-websocket-protocol") ?? "";
    const halfClose = offered.split(",").some((name) => name.trim() === HALF_CLOSE_SUBPROTOCOL);
    let upgrade: Deno.WebSocketUpgrade;
    try {
      upgrade = Deno.upgradeWebSocket(request, {
        idleTimeout: this.#timing.idleMs / 1_000,
        protocol: halfClose ? HALF_CLOSE_SUBPROTOCOL : undefined,
      });
    } catch (error) {
      return textResponse(400, `this is no websocket handshake: ${errorMessage(error)}`);
    }
    const connection = this.#connections.add(upgrade.socket, { address, halfClose });
    const { who, id, waitMs } = answer;
    if (who === "client") {
      serveClient(connection, id, waitMs, this.#rendezvous);
    } else {
      serveAgent(connection, id, {
        policy: this.#policy,
        rendezvous: this.#rendezvous,
        helloMs: this.#timing.helloMs,
        onRefused: (refusal) =>
          this.#observe({ type: "refused", who: "agent", id, address, refusal }),
      });
    }
    return upgrade.response;
  }
}
