import type { Log, LogFields } from "../log/log.ts";
import type { Shell } from "../process/shell.ts";
import { VERSION } from "../dist/version.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { AuthenticationOptions, Identity } from "./login/authentication.ts";
import { ServerConnection } from "./connection/connection.ts";
import type {
  Channel,
  ChannelHandler,
  GlobalRequestHandler,
  Peer,
  SessionInfo,
  SessionObserver,
  SessionRequestHandler,
  SubsystemHandler,
} from "./connection/handler.ts";
import type { HostKey } from "./keys/host_key.ts";
import { announceHostKeys, hostKeyProver, PROVE_HOST_KEYS } from "./connection/host_key_proof.ts";
import { Admission } from "./login/admission.ts";
import { Login } from "./login/login.ts";
import { DisconnectReason } from "./protocol/numbers.ts";
import { Session } from "./session/session.ts";
import { sodium } from "./transport/ciphers/sodium.ts";
import { Transport } from "./transport/transport.ts";

/** How long a client may take to log in, in milliseconds. */
const LOGIN_GRACE_MS = 60_000;

/** How long sessions have to end when the server ends, in milliseconds. */
const DRAIN_MS = 5000;

/** How long a client then has to print what it has received, in milliseconds. */
const LEAVE_MS = 500;

export interface SshServerOptions {
  /** Of different types. */
  hostKeys: readonly HostKey[];
  session: {
    /** Where sessions start. */
    cwd: string;
    shell: Shell;
  };
  log: Log;
  /** Watches sessions. */
  observer?: SessionObserver;
  /** More types of channels. */
  channels?: Record<string, ChannelHandler>;
  globalRequests?: Record<string, GlobalRequestHandler>;
  /** More requests on session channels. */
  sessionRequests?: Record<string, SessionRequestHandler>;
  /** By name, for instance `sftp`. */
  subsystems?: Record<string, SubsystemHandler>;
  /** How long a client may take to log in, in milliseconds. @default 60000 */
  loginGraceMs?: number;
  /** Decides who may try to log in. */
  admission?: Admission;
  /** Bytes on a connection after which its keys are exchanged again. @default 1 GiB */
  rekeyBytes?: number;
}

/** A client, and what holds for it. */
export interface SshClient {
  peer: Peer;
  authentication: AuthenticationOptions;
  /** The environment of a new session, before what belongs to the session is added. */
  env: () => Record<string, string>;
  /** Shown before it logs in. */
  banner?: string;
  /** Called when it has logged in. */
  onLogin?: () => void;
}

/** An SSH server without a socket of its own: it serves the streams it is given. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #admission: Admission;
  #connections = 0;
  #sessions = 0;

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#admission = options.admission ?? new Admission(options);
    const reason = "missing" in sodium ? sodium.missing : undefined;
    options.log.info("ciphers", { native: reason === undefined, reason });
  }

  /**
   * Serves one client. Resolves when the connection has ended, with all it started; never rejects.
   *
   * @param signal ends the connection
   */
  async serve(stream: ByteStream, client: SshClient, signal?: AbortSignal): Promise<void> {
    const { hostKeys, loginGraceMs = LOGIN_GRACE_MS } = this.#options;
    const { authentication, banner, peer: { address } } = client;
    const id = ++this.#connections;
    const log = withFields(this.#options.log, { connection: id });
    const transport = new Transport(stream, {
      hostKeys,
      version: VERSION,
      rekeyBytes: this.#options.rekeyBytes,
    });
    const refuse = (reason: string) =>
      transport.disconnect(DisconnectReason.tooManyConnections, reason);
    const admitted = this.#admission.admit(
      address,
      () => refuse("Too many clients are logging in"),
    );
    if ("refused" in admitted) {
      const ended = transport.run(() => {});
      refuse(admitted.refused);
      await ended;
      return await transport.close();
    }
    let connection: ServerConnection | undefined;
    let timedOut = false;
    const loginOptions = { authentication, address, admitted, banner, log };
    const login = new Login(transport, loginOptions, (identity) => {
      clearTimeout(grace);
      transport.allowLongPackets();
      connection = this.#connect(transport, { ...client, id, identity, log });
      client.onLogin?.();
      announceHostKeys(transport, hostKeys);
    });
    const grace = setTimeout(() => {
      timedOut = true;
      log.warn("login timed out", { address });
      transport.disconnect(DisconnectReason.byApplication, "Login timed out");
    }, loginGraceMs);
    let leaving: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const disconnect = () =>
      transport.disconnect(DisconnectReason.byApplication, "The agent is ending");
    // A client drops output that it has not printed when it is disconnected: sessions end first.
    const abort = () => {
      leaving = setTimeout(disconnect, connection ? DRAIN_MS : 0);
      connection?.drain().then(() => {
        clearTimeout(leaving);
        if (!over) leaving = setTimeout(disconnect, LEAVE_MS);
      });
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    log.debug("connection opened", { address });
    const error = await transport.run((type, payload) => {
      (connection ?? login).receive(type, payload);
    });
    over = true;
    clearTimeout(grace);
    signal?.removeEventListener("abort", abort);
    admitted.ended(timedOut ? "timeout" : "disconnect");
    await login.end();
    await connection?.end(error);
    await transport.close();
    clearTimeout(leaving);
    log.info("connection ended", { address, reason: error?.message });
  }

  #connect(
    transport: Transport,
    client: SshClient & { id: number; identity: Identity; log: Log },
  ): ServerConnection {
    const { id, peer, env, identity, log } = client;
    const options = this.#options;
    const connection: ServerConnection = new ServerConnection(transport, {
      id,
      address: peer.address,
      permissions: identity.options,
      log,
      channels: {
        session: async ({ accept }) => {
          const channel = accept();
          const session = new Session(connection, channel, {
            ...options.session,
            env: env(),
            id: ++this.#sessions,
            peer,
            requests: options.sessionRequests ?? {},
            subsystems: options.subsystems ?? {},
            observer: options.observer ?? {},
          });
          connection.onChannelRequest(channel, (type, data) => session.handle(type, data));
          await session.done;
        },
        ...options.channels,
      },
      globalRequests: {
        [PROVE_HOST_KEYS]: hostKeyProver(transport, options.hostKeys),
        ...options.globalRequests,
      },
      onInput: () => options.observer?.input?.(),
      onChannel: (type, channel) => {
        if (type !== "session") this.#observeForward(channel, peer);
      },
    });
    return connection;
  }

  #observeForward(channel: Channel, peer: Peer): void {
    const { observer } = this.#options;
    const id = ++this.#sessions;
    const info: SessionInfo = { id, peer, kind: "forward", pty: false, notify: () => {} };
    observer?.opened?.(info);
    channel.closed.then(() => observer?.closed?.(info, { failed: false }));
  }
}

/** A log that adds fields to each line. */
function withFields(log: Log, fields: LogFields): Log {
  return {
    debug: (event, more) => log.debug(event, { ...fields, ...more }),
    info: (event, more) => log.info(event, { ...fields, ...more }),
    warn: (event, more) => log.warn(event, { ...fields, ...more }),
    error: (event, more) => log.error(event, { ...fields, ...more }),
  };
}
