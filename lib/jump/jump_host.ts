/**
 * The way in by `ssh -J` without a program of ours: an SSH server that forwards to registered
 * agents and does nothing else. What it forwards is the SSH connection to the agent, end to end.
 *
 * @module
 */
import { VERSION } from "../dist/version.ts";
import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error_message.ts";
import { RepeatedLines } from "../log/repeated_lines.ts";
import { type IpRange, isInRanges, networkOf } from "../text/ip_address.ts";
import { accepted } from "../wire/accept.ts";
import { listenFailure } from "../wire/listen_failure.ts";
import { tcpStream } from "../wire/tcp_stream.ts";
import { Admission } from "../ssh/login/admission.ts";
import { JumpConnection, type JumpConnectionOptions, type OpenClient } from "./jump_connection.ts";

export interface JumpHostOptions
  extends Pick<JumpConnectionOptions, "hostKey" | "loginMs" | "idleMs"> {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Addresses without limits of their own. */
  exempt?: IpRange[];
  /** How many clients may be connected. @default 4000 */
  maxConnections?: number;
  /** How many from one address. @default 200 */
  maxPerAddress?: number;
}

export interface JumpHostDependencies {
  log: Log;
  /** Counts a connection of an address. @returns why it may have no more for now */
  admitAddress: (address: string) => { reason: string } | undefined;
  /** Connects a client to an agent. */
  openClient: OpenClient;
}

/** See {@link JumpHostOptions}; more clients are disconnected. */
const MAX_CONNECTIONS = 4_000;
const MAX_PER_ADDRESS = 200;

/** A jump host that listens; leaving its scope ends it, with all connections. */
export class JumpHost implements AsyncDisposable {
  readonly port: number;
  /** As in known_hosts, without a host name. */
  readonly hostKey: string;
  /** Of the host key, as ssh shows it. */
  readonly fingerprint: string;
  readonly #log: Log;
  readonly #listener: Deno.TcpListener;
  readonly #options: JumpHostOptions;
  readonly #admitAddress: JumpHostDependencies["admitAddress"];
  readonly #openClient: OpenClient;
  readonly #admission: Admission;
  readonly #ending = new AbortController();
  readonly #connections = new Set<Promise<void>>();
  /** How many there are of each network, as limits know them. */
  readonly #sources = new Map<string, number>();
  readonly #refusals: RepeatedLines;
  #left = false;
  readonly #accepting: Promise<void>;

  /** @throws {Error} if it cannot listen */
  constructor(options: JumpHostOptions, dependencies: JumpHostDependencies) {
    const { log, admitAddress, openClient } = dependencies;
    this.#options = options;
    this.#log = log;
    this.#admitAddress = admitAddress;
    this.#openClient = openClient;
    this.#admission = new Admission({ log, exempt: options.exempt });
    this.#refusals = new RepeatedLines(log);
    const { host: hostname, port } = options;
    try {
      this.#listener = Deno.listen({ hostname, port });
    } catch (cause) {
      const why = listenFailure(cause, {
        port: "choose another one with --ssh-port",
        host: "choose another one with --host",
      });
      throw new Error(`cannot listen on "${hostname}:${port}" for ssh: ${why}`, { cause });
    }
    this.port = this.#listener.addr.port;
    const { fingerprint, publicLine } = options.hostKey;
    this.hostKey = publicLine;
    this.fingerprint = fingerprint;
    log.info("listening for ssh", {
      host: hostname,
      port: this.port,
      fingerprint,
      version: VERSION,
    });
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    const { hostKey, loginMs, idleMs } = this.#options;
    const onError = (error: unknown) =>
      this.#log.error("cannot accept a connection", { reason: errorMessage(error) });
    for await (const conn of accepted(this.#listener, { onError })) {
      const { hostname: address } = conn.remoteAddr;
      const source = networkOf(address);
      const count = this.#sources.get(source) ?? 0;
      const refusal = this.#mayConnect(address, count)
        ? this.#admitAddress(address)
        : { reason: "too many connections" };
      if (refusal) {
        this.#refusals.warn(source, "ssh connection refused", { address }, {
          reason: refusal.reason,
        });
        conn.close();
        continue;
      }
      conn.setKeepAlive();
      this.#sources.set(source, count + 1);
      const connection = new JumpConnection(tcpStream(conn), {
        ...{ address, hostKey, loginMs, idleMs },
        log: this.#log,
        admission: this.#admission,
        openClient: this.#openClient,
      }).serve(this.#ending.signal);
      this.#connections.add(connection);
      void connection.finally(() => {
        this.#connections.delete(connection);
        const left = this.#sources.get(source)! - 1;
        if (left > 0) this.#sources.set(source, left);
        else this.#sources.delete(source);
      });
    }
  }

  /** @param count how many connections its network has */
  #mayConnect(address: string, count: number): boolean {
    const {
      exempt = [],
      maxConnections = MAX_CONNECTIONS,
      maxPerAddress = MAX_PER_ADDRESS,
    } = this.#options;
    if (this.#connections.size >= maxConnections) return false;
    return count < maxPerAddress || isInRanges(address, exempt);
  }

  /** Leaves the port to another server; open connections go on. */
  leavePort(): void {
    if (!this.#left) this.#listener.close();
    this.#left = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leavePort();
    this.#ending.abort();
    await this.#accepting;
    await Promise.all(this.#connections);
  }
}
