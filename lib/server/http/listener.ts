import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error_message.ts";
import { within } from "../../wire/delay.ts";
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

export type HttpHandler = (request: Request, remoteAddress: string) => Response | Promise<Response>;

/**
 * The listening socket. `Deno.serve` ends when the process runs out of file descriptors, which
 * anyone can cause, so this one listens again; open connections do not notice.
 */
export class Listener {
  readonly port: number;
  readonly #options: ListenerOptions;
  readonly #handler: HttpHandler;
  readonly #log: Log;
  readonly #closing = new AbortController();
  #server: Deno.HttpServer<Deno.NetAddr>;

  /**
   * Listens.
   *
   * @throws {Error} if it cannot, or if the certificate or the key is invalid, with a hint
   */
  constructor(options: ListenerOptions, handler: HttpHandler, log: Log) {
    this.#options = options;
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
  }

  /**
   * Stops listening; running requests end after `patience` milliseconds at most. Websockets stay.
   */
  async close(patience: number): Promise<void> {
    this.#closing.abort();
    await within(patience, this.#server.shutdown().catch(() => {}));
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { host, tls } = this.#options;
    const server = Deno.serve(
      { hostname: host, port, ...tls, onListen() {} },
      (request, info) => this.#handler(request, info.remoteAddr.hostname),
    );
    server.finished.catch((error) => this.#listenAgain(error));
    return server;
  }

  #listenAgain(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#log.error("cannot listen, trying again", { reason: errorMessage(error) });
    const timer = setTimeout(() => {
      this.#closing.signal.removeEventListener("abort", stop);
      try {
        this.#server = this.#listen(this.port);
        this.#log.info("listening again", { port: this.port });
      } catch (error) {
        this.#listenAgain(error);
      }
    }, RELISTEN_MS);
    const stop = () => clearTimeout(timer);
    this.#closing.signal.addEventListener("abort", stop, { once: true });
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
