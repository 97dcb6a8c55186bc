import type { ServerOptions, Tls } from "../cli/server_options.ts";
import { VERSION } from "../dist/version.ts";
import type { MessageSocket } from "../wire/message_socket.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { ServerLoad } from "./telemetry/load.ts";
import { ResumeSecrets } from "./rendezvous/resume_secrets.ts";
import { loadResumeKey } from "./resume_key.ts";
import type { AgentInfo, Refusal } from "./rendezvous/types.ts";
import { passwordVerifier } from "./relay/password_verifier.ts";
import {
  type ClientRequest,
  RendezvousServer,
  type ServerDependencies,
} from "./rendezvous_server.ts";

/** A listening server; leaving its scope ends it without draining. */
export interface RunningServer extends AsyncDisposable {
  /** Its own address with the base path, `http://127.0.0.1:8000/prefix`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
  /** Of a cluster with those of the other nodes, as of the last {@link RunningServer.refresh}. */
  snapshot(): AgentInfo[];
  /** Asks the other nodes of a cluster for their agents; never rejects. */
  refresh(): Promise<void>;
  load(): ServerLoad;
  /**
   * Uses another certificate for connections from now on.
   *
   * @throws {Error} if the certificate or the key is invalid
   */
  useTls(tls: Tls): void;
  /** Counts a connection of an address that is no websocket. @returns why it is one too many */
  admitAddress(address: string): Refusal | undefined;
  /**
   * Connects a client that comes another way than by a websocket.
   *
   * @param open makes its socket, if it is admitted
   * @returns why it is not
   */
  openClient(request: ClientRequest, open: () => MessageSocket): Promise<Refusal | undefined>;
}

/** The code for a cluster, and the client of its directory, are loaded only if they are wanted. */
async function startCluster(
  { cluster }: ServerOptions,
  { log, clusterTiming: timing }: ServerDependencies,
): Promise<Cluster | undefined> {
  if (cluster === undefined) return undefined;
  const { Cluster } = await import("./cluster/cluster.ts");
  return new Cluster({ ...cluster, log, timing });
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
  const resumeKey = options.stateDir === undefined
    ? undefined
    : await loadResumeKey(options.stateDir);
  const policy = { username: options.username, password, agentToken: options.agentToken };
  const cluster = await startCluster(options, dependencies);
  const secrets = cluster?.secrets ?? new ResumeSecrets(resumeKey);
  const server = new RendezvousServer(options, dependencies, policy, secrets, cluster);
  const drain = () => void server.end(options.drain);
  signal?.addEventListener("abort", drain, { once: true });
  if (signal?.aborted) drain();
  hurry?.addEventListener("abort", drain, { once: true });
  const { url, port } = server;
  log.info("listening", { url, host: options.host, port, version: VERSION });
  return {
    ...{ url, port, closed: server.closed },
    snapshot: () => server.snapshot(),
    refresh: () => server.refresh(),
    load: () => server.load(),
    useTls: (tls) => server.useTls(tls),
    admitAddress: (address) => server.admitAddress(address),
    openClient: (request, open) => server.openClient(request, open),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener("abort", drain);
      hurry?.removeEventListener("abort", drain);
      await server.end(0);
    },
  };
}
