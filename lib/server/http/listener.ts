import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import { within } from "../../wire/delay.ts";
import { parseAddress } from "../../text/ip_address.ts";
import { type Dropped, Guard, TICK_MS } from "../sockets/guard.ts";
import type { GuardedSocket } from "../sockets/guarded_connection.ts";
import { OwnSockets, peerKey } from "../sockets/own_sockets.ts";
import { listenFailure } from "../../wire/listen_failure.ts";

/** How long to wait before listening again, in milliseconds. */
const RELISTEN_MS = 500;

const HINTS = { port: "choose another one with --port", host: "choose another with --host" };

export interface ListenerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** PEM; missing: no TLS. */
  tls?: { cert: string; key: string };
}

/** The other end of the connection that a request came on. */
export interface HttpPeer {
  /** A proxy's, if there is one. */
  address: string;
  /** Bounds the websocket that the connection carries from now on. */
  guard(websocket: GuardedSocket): void;
}

export interface ListenerDependencies {
  log: Log;
  handler(request: Request, peer: HttpPeer): Response | Promise<Response>;
  onDropped(dropped: Dropped): void;
}

/**
 * The listening socket. `Deno.serve` ends when the process runs out of file descriptors, which
 * anyone can cause, so this one listens again; open connections do not notice.
 */
export class Listener {
  readonly port: number;
  readonly #options: ListenerOptions;
  #tls: ListenerOptions["tls"];
  /** Whether it has stopped listening to start again with another certificate. */
  #replacing = false;
  readonly #handler: ListenerDependencies["handler"];
  readonly #log: Log;
  readonly #guard: Guard | undefined;
  readonly #ticker: ReturnType<typeof setInterval> | undefined;
  readonly #closing = new AbortController();
  #server: Deno.HttpServer<Deno.NetAddr>;

  /**
   * Listens.
   *
   * @throws {Error} if it cannot, or if the certificate or the key is invalid, with a hint
   */
  constructor(options: ListenerOptions, dependencies: ListenerDependencies) {
    const { handler, log, onDropped } = dependencies;
    this.#options = options;
    this.#tls = options.tls;
    this.#handler = handler;
    this.#log = log;
    if (options.tls) checkTls(options.tls);
    try {
      this.#server = this.#listen(options.port);
    } catch (error) {
      const { host, port } = options;
      throw new Error(`cannot listen on ${host}:${port}: ${listenFailure(error, HINTS)}`, {
        cause: error,
      });
    }
    this.port = this.#server.addr.port;
    this.#guard = this.#startGuard(onDropped);
    this.#guard?.listening();
    this.#ticker = this.#guard && setInterval(() => this.#guard?.tick(), TICK_MS);
  }

  /**
   * Uses another certificate for connections from now on; open ones do not notice.
   *
   * @throws {Error} if the certificate or the key is invalid, or this system cannot do it
   */
  useTls(tls: NonNullable<ListenerOptions["tls"]>): void {
    checkTls(tls);
    if (!this.#guard) throw new Error("it needs Linux and --allow-ffi; restart the server instead");
    this.#tls = tls;
    this.#replacing = true;
    // Deno's own way to stop listening closes websockets, too.
    this.#guard.stopListening();
  }

  /**
   * Leaves the port to another server, where the guard can; open connections do not notice, and
   * requests that still come on them are answered.
   */
  leavePort(): void {
    this.#closing.abort();
    this.#guard?.stopListening();
  }

  /**
   * Stops listening; running requests end after `patience` milliseconds at most. Websockets stay.
   */
  async close(patience: number): Promise<void> {
    this.#closing.abort();
    await within(patience, this.#server.shutdown().catch(() => {}));
    clearInterval(this.#ticker);
    this.#guard?.[Symbol.dispose]();
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { host } = this.#options;
    const server = Deno.serve(
      { hostname: host, port, ...this.#tls, onListen() {} },
      (request, info) => this.#handle(request, info),
    );
    server.finished.catch((error) => this.#listenAgain(error));
    return server;
  }

  #startGuard(onDropped: (dropped: Dropped) => void): Guard | undefined {
    try {
      return new Guard({ sockets: new OwnSockets(), port: this.port, onDropped });
    } catch (error) {
      this.#log.warn(
        "cannot guard connections: endless messages and slow requests are not cut off",
        {
          reason: errorMessage(error),
          hint: "it needs Linux and --allow-ffi",
        },
      );
    }
  }

  async #handle(
    request: Request,
    { remoteAddr, completed }: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    // To be read before an upgrade.
    const { hostname, port } = remoteAddr;
    const key = peerKey(Uint8Array.from(parseAddress(hostname)?.toByteArray() ?? []), port);
    const answered = this.#guard?.request(key);
    if (answered) completed.then(answered, answered);
    // At once: when its peer has left or ended its direction meanwhile, Deno never closes a websocket
    // and answers no request.
    return await this.#handler(request, {
      address: hostname,
      guard: (websocket) => this.#guard?.upgraded(key, websocket),
    });
  }

  #listenAgain(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    if (this.#replacing) {
      this.#replacing = false;
      return this.#tryToListen();
    }
    this.#log.error("cannot listen, trying again", { reason: errorMessage(error) });
    const timer = setTimeout(() => {
      this.#closing.signal.removeEventListener("abort", stop);
      this.#tryToListen();
    }, RELISTEN_MS);
    const stop = () => clearTimeout(timer);
    this.#closing.signal.addEventListener("abort", stop, { once: true });
  }

  #tryToListen(): void {
    try {
      this.#server = this.#listen(this.port);
      this.#guard?.listening();
      this.#log.info("listening again", { port: this.port });
    } catch (error) {
      this.#listenAgain(error);
    }
  }
}

/** Deno itself notices only at the first connection. */
function checkTls({ cert, key }: { cert: string; key: string }): void {
  const attempt = <T>(what: string, make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw new Error(`cannot use ${what}: ${errorMessage(error)}`, { cause: error });
    }
  };
  const certificate = attempt("--tls-cert as a PEM certificate", () => new X509Certificate(cert));
  const privateKey = attempt("--tls-key as a PEM key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error("cannot use --tls-key: it is not the key of the certificate in --tls-cert");
  }
}
