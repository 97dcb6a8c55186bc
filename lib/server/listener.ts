/** The listening socket: node:http, because of what docs/decisions says of Deno.serve. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { errorMessage } from "../cli/program.ts";

export interface ListenerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** PEM; missing: no TLS. */
  tls?: { cert: string; key: string };
}

/** Bounds on what a peer may take its time for, in milliseconds. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Longer than reverse proxies keep idle connections, so that they close first.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
};

/** How long a response may make no progress, in milliseconds. */
const STALLED_MS = 120_000;

/**
 * Makes the HTTP server, not listening yet.
 *
 * @throws {Error} if the certificate or the key is of no use
 */
export function createListener({ tls }: ListenerOptions): Server {
  if (tls) checkTls(tls);
  const server = tls
    ? createTlsServer({ ...TIMEOUTS, ...tls }) as unknown as Server
    : createServer(TIMEOUTS);
  server.maxConnections = connectionLimit();
  server.setTimeout(STALLED_MS);
  return server;
}

/** Deno would notice only when the first visitor comes. */
function checkTls({ cert, key }: { cert: string; key: string }): void {
  const attempt = <T>(what: string, make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw new Error(`cannot use ${what}: ${errorMessage(error)}`);
    }
  };
  const certificate = attempt("--tls-cert as a PEM certificate", () => new X509Certificate(cert));
  const privateKey = attempt("--tls-key as a PEM key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error("cannot use --tls-key: it is not the key of the certificate in --tls-cert");
  }
}

/**
 * Listens.
 *
 * @returns the port
 * @throws {Error} if it cannot, with a hint
 */
export async function listen(server: Server, { host, port }: ListenerOptions): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject).once("listening", listening.resolve);
  server.listen(port, host);
  try {
    await listening.promise;
  } catch (error) {
    const { code } = error as { code?: string };
    const why: Record<string, string> = {
      EADDRINUSE: "the port is in use; choose another one with --port",
      EACCES: "permission denied; ports below 1024 are for root",
      EADDRNOTAVAIL: "this machine has no such address; choose another one with --host",
      ENOTFOUND: "there is no such host; choose another one with --host",
    };
    throw new Error(`cannot listen on ${host}:${port}: ${why[code ?? ""] ?? errorMessage(error)}`);
  }
  return (server.address() as AddressInfo).port;
}

/**
 * How many connections may be open, on Linux: a little less than there may be file descriptors,
 * because the server would never accept again after it ran out of those.
 */
function connectionLimit(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    return files > 0 ? files - Math.min(256, Math.ceil(files / 4)) : Infinity;
  } catch {
    return Infinity;
  }
}
