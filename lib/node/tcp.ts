/** TCP and TLS by node:net and node:tls. */
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, isIP, type Server, type Socket } from "node:net";
import tls from "node:tls";
import { NodeConnection } from "./connection.ts";
import { denoError, errors } from "./errors.ts";

/** `Deno.connect`. */
export function nodeConnect(
  { hostname, port, signal }: { hostname: string; port: number; signal?: AbortSignal },
): Promise<NodeConnection> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const options = { host: hostname, port, allowHalfOpen: true, autoSelectFamily: false };
    const socket = connect(options);
    const abort = () => socket.destroy(signal!.reason);
    signal?.addEventListener("abort", abort);
    socket.once("close", () => signal?.removeEventListener("abort", abort));
    socket.once("error", (error) => reject(signal?.aborted ? signal.reason : denoError(error)));
    socket.once("connect", () => {
      signal?.removeEventListener("abort", abort);
      resolve(new NodeConnection(socket));
    });
  });
}

/** Where systems keep the certificates that they trust, in one file. */
const SYSTEM_CERTIFICATES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

/** What the machine trusts. Node tells since 22.15. */
function systemCertificates(): string[] {
  const { getCACertificates } = tls as { getCACertificates?: (of: string) => string[] };
  if (getCACertificates !== undefined) return getCACertificates("system");
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
  for (const path of [SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, ...SYSTEM_CERTIFICATES]) {
    if (!path) continue;
    try {
      return [readFileSync(path, "utf8")];
    } catch {
      // The next one may be there.
    }
  }
  return [];
}

/** What the names in `DENO_TLS_CA_STORE` stand for. */
const CERTIFICATES: Record<string, () => readonly string[]> = {
  mozilla: () => tls.rootCertificates,
  system: systemCertificates,
};

/** `Deno.TlsConn`. */
class NodeTlsConnection extends NodeConnection {
  readonly #started = Promise.withResolvers<void>();

  constructor(socket: tls.TLSSocket) {
    super(socket);
    socket.once("secureConnect", this.#started.resolve);
    socket.once("error", (error) => this.#started.reject(denoError(error)));
    socket.once("close", () => this.#started.reject(new errors.BadResource("it was closed")));
    this.#started.promise.catch(() => {});
  }

  /** Resolves when both ends have the keys. */
  handshake(): Promise<void> {
    return this.#started.promise;
  }
}

/** `Deno.startTls`. */
export function nodeStartTls(
  { socket }: NodeConnection,
  options: { hostname: string; caCerts?: string[]; alpnProtocols?: string[] },
): Promise<NodeTlsConnection> {
  const { hostname, caCerts = [], alpnProtocols } = options;
  const stores = (process.env.DENO_TLS_CA_STORE ?? "mozilla").split(",");
  const secured = tls.connect({
    socket,
    host: hostname,
    servername: isIP(hostname) === 0 ? hostname : "",
    ca: [...stores.flatMap((store) => CERTIFICATES[store]?.() ?? []), ...caCerts],
    ALPNProtocols: alpnProtocols,
  });
  return Promise.resolve(new NodeTlsConnection(secured));
}

/** A server that listens, as `Deno.listen` gives it. */
class NodeListener implements Disposable {
  readonly addr: { hostname: string; port: number };
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  #failure: Error | undefined;
  #wake = () => {};

  constructor(server: Server) {
    this.#server = server;
    const { address, port } = server.address() as AddressInfo;
    this.addr = { hostname: address, port };
    server.on("connection", (socket) => {
      this.#waiting.push(socket);
      this.#wake();
    });
    server.on("error", (error) => this.#fail(denoError(error)));
    server.on("close", () => this.#fail(new errors.BadResource("the listener is closed")));
  }

  async accept(): Promise<NodeConnection> {
    for (;;) {
      const socket = this.#waiting.shift();
      if (socket !== undefined) return new NodeConnection(socket);
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}

/** `Deno.listen`, but for the promise: Node says later whether it worked. */
export function nodeListen(
  { hostname, port }: { hostname: string; port: number },
): Promise<NodeListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true });
    server.once("error", (error) => reject(denoError(error)));
    server.listen({ host: hostname, port }, () => resolve(new NodeListener(server)));
  });
}
