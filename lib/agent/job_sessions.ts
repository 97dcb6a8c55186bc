import { join } from "node:path";
import type { Log } from "../log/log.ts";
import type { RegisteredMessage } from "../protocol/messages.ts";
import { forwarding } from "../ssh/forwarding/forwarding.ts";
import { Admission } from "../ssh/login/admission.ts";
import { SshServer } from "../ssh/server.ts";
import { SftpServer } from "../ssh/sftp/serve.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { StreamLink } from "../wire/resume/stream_link.ts";
import type { LifetimeClock } from "./lifetime/clock.ts";
import type { LifetimeKeeper } from "./lifetime/keeper.ts";
import { contestedText, loginMessage } from "./lifetime/login_message.ts";
import { type AgentSetup, HOLD_FILE } from "./prepare.ts";
import type { StatusReporter } from "./status_reporter.ts";
import { ClientStreams } from "./streams/client_streams.ts";
import type { PairedClient } from "./streams/serve_paired.ts";
import { JobVariables } from "./variables/job_variables.ts";

export interface JobSessionsContext {
  log: Log;
  clock: LifetimeClock;
  lifetime: LifetimeKeeper;
  reporter: StatusReporter;
  /** The ID that the agent has now. */
  id: () => string;
}

/** The agent's SSH server: what sessions in the job get, and who learns of them. */
export class JobSessions implements AsyncDisposable {
  readonly #setup: AgentSetup;
  readonly #context: JobSessionsContext;
  readonly #parts = new AsyncDisposableStack();
  readonly #variables: JobVariables;
  readonly #admission: Admission;
  readonly #streams: ClientStreams;
  readonly #server: SshServer;

  constructor(setup: AgentSetup, context: JobSessionsContext) {
    this.#setup = setup;
    this.#context = context;
    const { env, envFiles: files } = setup;
    this.#variables = this.#parts.use(new JobVariables({ env, files, log: context.log }));
    const { log, reporter } = context;
    this.#admission = new Admission({ log, exempt: setup.options.exempt });
    this.#streams = this.#parts.use(
      new ClientStreams({
        resumeMs: setup.options.resumeTime,
        log,
        admission: this.#admission,
        onLost: (client) => reporter.lost(client),
        onResumed: (client, now) => reporter.back(client, now),
      }),
    );
    this.#server = this.#makeServer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  /**
   * Serves one client, with what the server said at the registration that it came through.
   *
   * @returns resolves when its sessions have ended, or the signal has ended them
   */
  serve(
    stream: ByteStream,
    peer: PairedClient,
    registration: RegisteredMessage,
    signal: AbortSignal,
    onLogin?: () => void,
  ): Promise<void> {
    const { cwd, hostKeys, keysFile, extraKeys } = this.#setup;
    const { id, username, password } = registration;
    const { contestedAt } = peer;
    const served = this.#server.serve(stream, {
      peer,
      authentication: { username, password, authorizedKeysFile: keysFile, extraKeys },
      env: () => ({
        ...this.#variables.current(),
        CONVERGE_ID: id,
        CONVERGE_DIR: cwd,
        CONVERGE_HOLD: join(cwd, HOLD_FILE),
      }),
      banner: contestedAt === undefined
        ? undefined
        : contestedText({ id, contestedAt, fingerprint: hostKeys[0].fingerprint }),
      onLogin,
    }, signal);
    this.#context.reporter.client(peer, served);
    return served;
  }

  /** Serves a client whose stream can go on on another connection, or goes on on this one. */
  serveResumable(
    link: StreamLink,
    peer: PairedClient,
    registration: RegisteredMessage,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#streams.accept(
      link,
      peer,
      (stream, onLogin) => this.serve(stream, peer, registration, signal, onLogin),
      signal,
    );
  }

  #makeServer(): SshServer {
    const { hostKeys, cwd, shell, notices, options } = this.#setup;
    const { log, clock, lifetime, reporter, id } = this.#context;
    const sftp = this.#parts.use(new SftpServer());
    return new SshServer({
      hostKeys,
      session: { cwd, shell },
      log,
      admission: this.#admission,
      observer: {
        opened: (session) => {
          lifetime.opened(session);
          reporter.opened(session);
        },
        closed: (session, { failed }) => {
          lifetime.closed(session, { failed });
          reporter.closed(session);
        },
        input: () => lifetime.input(),
        welcome: () =>
          loginMessage({
            notices,
            ...lifetime.status,
            id: id(),
            shell: shell.kind,
            os: Deno.build.os,
            now: clock.wall(),
          }),
      },
      ...forwarding({ allowRemoteBind: options.allowRemoteBind }),
      subsystems: { sftp: (channel, session) => sftp.serve(channel, { cwd: session.cwd }) },
    });
  }
}
