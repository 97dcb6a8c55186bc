import { decodeBytes, encodeBytes } from "../../text/byte_text.ts";
import { errorMessage } from "../../text/error_message.ts";
import type { Process, Pty } from "../../process/process.ts";
import type { Shell } from "../../process/shell.ts";
import { sessionEnvironment } from "./environment.ts";
import {
  type Channel,
  own,
  type Peer,
  Refused,
  type SessionContext,
  type SessionEnd,
  type SessionInfo,
  type SessionObserver,
  type SessionRequestHandler,
  type SshConnection,
  type SubsystemHandler,
} from "../connection/handler.ts";
import { launch, startDirectory } from "./launch.ts";
import { Preparation } from "./preparation.ts";
import { explain, explainFailure, hasFailed, runOnChannel, sendExit } from "./program_channel.ts";
import { Screen } from "./screen.ts";
import { Reader } from "../protocol/wire_format.ts";

/** The forced command that stands for the server's own SFTP server, as in sshd. */
const INTERNAL_SFTP = "internal-sftp";

/** How sessions are started. */
export interface SessionOptions {
  /** The number by which the observer knows it. */
  id: number;
  peer: Peer;
  /** The directory in which programs start. */
  cwd: string;
  /** The job's environment and what the agent adds. */
  env: Record<string, string>;
  shell: Shell;
  /** More requests, by type. */
  requests: Record<string, SessionRequestHandler>;
  /** By name. */
  subsystems: Record<string, SubsystemHandler>;
  observer: SessionObserver;
}

/** One session channel: requests that prepare it, then one program (RFC 4254, section 6). */
export class Session implements SessionContext {
  readonly connection: SshConnection;
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** What its user is told before anything else. */
  readonly #notices: string[] = [];
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #controller = new AbortController();
  readonly #requests: Record<string, SessionRequestHandler> = {
    "pty-req": (_, data) => this.#requestTerminal(new Reader(data)),
    "env": (_, data) => this.#preparation.requestVariable(new Reader(data)),
    "window-change": (_, data) => this.#resize(new Reader(data)),
    "signal": (_, data) => this.#signal(new Reader(data)),
    "x11-req": () => {
      throw new Refused("X11 forwarding is not supported");
    },
    "break": () => this.#running().signal("INT"),
    // The client reads no more.
    "eow@openssh.com": () => this.#running().dropOutput(),
  };
  readonly #preparation: Preparation;
  #program?: Process | Pty;
  /** Of a shell with a terminal. */
  #screen?: Screen;
  #started = false;
  /** Resolves when the session is over, with its program. */
  readonly done: Promise<void>;
  #finish!: () => void;

  constructor(connection: SshConnection, channel: Channel, options: SessionOptions) {
    this.connection = connection;
    this.#channel = channel;
    this.#options = options;
    this.#preparation = new Preparation(connection.permissions);
    const { path, notice } = startDirectory(options.cwd);
    this.cwd = path;
    if (notice !== undefined) this.tell(notice);
    this.env = sessionEnvironment(options.env, connection.address);
    this.done = new Promise<void>((resolve) => this.#finish = resolve)
      .finally(() => this.#controller.abort());
    channel.closed.then(() => this.#finishIdle());
    connection.signal.addEventListener("abort", () => this.#end(), { signal: this.signal });
    if (connection.signal.aborted) this.#end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  tell(sentence: string): void {
    this.#notices.push(`Converge: ${sentence}.\n`);
  }

  /**
   * Serves one request.
   *
   * @returns what to do after the reply, if anything
   * @throws {Error} to refuse it
   */
  async handle(type: string, data: Uint8Array): Promise<(() => void) | void> {
    switch (type) {
      case "shell":
        return await this.#start(undefined);
      case "exec":
        return await this.#start(decodeBytes(new Reader(data).string()));
      case "subsystem":
        return await this.#startSubsystem(new Reader(data).text());
    }
    const handler = own(this.#requests, type) ?? own(this.#options.requests, type);
    if (!handler) throw new Refused("not supported");
    await handler(this, data);
  }

  /** The connection is ending; a program is ended by `runOnChannel()`. */
  #end(): void {
    if (!this.#program) this.#channel.close();
    this.#finishIdle();
  }

  #finishIdle(): void {
    if (!this.#started) this.#finish();
  }

  #running(): Process | Pty {
    if (!this.#program) throw new Refused("no program is running");
    return this.#program;
  }

  #requestTerminal(data: Reader): void {
    if (this.#started) throw new Refused("the program has already started");
    this.#preparation.requestTerminal(data);
  }

  #signal(data: Reader): void {
    // As in sshd: a key for one command must not cut that short.
    if (this.connection.permissions.command !== undefined) {
      throw new Refused("the key has a forced command");
    }
    this.#running().signal(data.text());
  }

  #resize(data: Reader): void {
    const size = { columns: data.uint32(), rows: data.uint32() };
    if (this.#preparation.terminal) Object.assign(this.#preparation.terminal, size);
    if (this.#screen) this.#screen.columns = size.columns;
    if (this.#program && "resize" in this.#program) this.#program.resize(size);
  }

  #claim(): void {
    if (this.#started) throw new Refused("the session already has a program");
    this.#started = true;
  }

  /** Starts a command, or a shell if none is asked for. */
  async #start(asked: string | undefined): Promise<() => void> {
    const { environment, command: forced } = this.connection.permissions;
    if (forced === INTERNAL_SFTP) throw new Refused("the key is for SFTP only");
    this.#claim();
    const { shell } = this.#options;
    const command = forced ?? asked;
    const env = { ...this.env, ...this.#preparation.env, ...environment };
    if (forced !== undefined && asked !== undefined) env.SSH_ORIGINAL_COMMAND = asked;
    const { terminal } = this.#preparation;
    const info = this.#describe(command === undefined ? "shell" : "exec");
    let program: Process | Pty;
    try {
      program = await launch({ shell, command, cwd: this.cwd, env, terminal });
    } catch (error) {
      return () => void this.#explainFailure(errorMessage(error));
    }
    this.#program = program;
    return () =>
      this.#observe(info, async () => {
        const run = await runOnChannel(program, this.#channel, this.connection, this.#screen);
        return { failed: info.kind === "shell" && hasFailed(run) };
      });
  }

  /**
   * Tells the client's user why there is no program. Nothing has been started, so for the observer
   * there was no session.
   */
  async #explainFailure(reason: string): Promise<void> {
    this.connection.log.warn("session failed", { reason });
    await explainFailure(this.#channel, reason).catch(() => {}); // The client has disconnected.
    this.#finish();
  }

  async #startSubsystem(name: string): Promise<() => void> {
    const { command } = this.connection.permissions;
    const isSftp = name === "sftp" && command === INTERNAL_SFTP;
    if (command !== undefined && !isSftp) return await this.#start(name);
    const handler = own(this.#options.subsystems, name);
    if (!handler) throw new Refused(`no subsystem "${name}"`);
    this.#claim();
    const info = this.#describe(name === "sftp" ? "sftp" : "exec");
    return () =>
      this.#observe(info, async () => {
        const status = await handler(this.#channel, this).catch((error) =>
          explain(this.#channel, error)
        );
        sendExit(this.#channel, { code: status ?? 0 });
        return { failed: false };
      });
  }

  #describe(kind: SessionInfo["kind"]): SessionInfo {
    const { terminal } = this.#preparation;
    if (kind === "shell" && terminal) this.#screen = new Screen(this.#channel, terminal);
    return {
      id: this.#options.id,
      peer: this.#options.peer,
      kind,
      pty: terminal !== undefined,
      notify: (text) => this.#screen?.show(text),
      farewell: (text) => this.#screen?.finish(text),
    };
  }

  /** Shows notices, and the observer's welcome, before the program's output. */
  async #welcome(info: SessionInfo): Promise<void> {
    const screen = this.#screen;
    const welcome = screen && this.#options.observer.welcome?.(info);
    const text = this.#notices.join("") + (welcome ?? "");
    if (text === "") return;
    const bytes = encodeBytes(screen ? text.replaceAll(/\r?\n/g, "\r\n") : text);
    const written = screen ? screen.write(bytes) : this.#channel.writeStderr(bytes);
    await written.catch(() => {}); // The client has disconnected.
  }

  /** Runs the session's program and tells the observer. */
  async #observe(info: SessionInfo, work: () => Promise<SessionEnd>): Promise<void> {
    const { observer } = this.#options;
    let end: SessionEnd = { failed: false };
    observer.opened?.(info);
    try {
      await this.#welcome(info);
      end = await work();
    } catch (error) {
      this.connection.log.warn("session failed", { kind: info.kind, reason: errorMessage(error) });
    } finally {
      observer.closed?.(info, end);
      this.#finish();
    }
  }
}
