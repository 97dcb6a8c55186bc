import { errorMessage } from "../cli/program.ts";
import type { Process, Pty, WindowSize } from "../process/process.ts";
import { commandArguments, interactiveArguments, type Shell } from "../process/shell.ts";
import { spawnProcess, spawnPty } from "../process/spawn.ts";
import { decodeModes } from "../process/terminal_modes.ts";
import { own } from "./connection.ts";
import { sessionEnvironment, whyNotSettable } from "./environment.ts";
import {
  type Channel,
  type Connection,
  Refused,
  type SessionContext,
  type SessionInfo,
  type SessionObserver,
  type SessionRequestHandler,
  type SubsystemHandler,
} from "./handler.ts";
import { runProgram } from "./program_channel.ts";
import { Reader } from "./wire_format.ts";

/** How sessions are started. */
export interface SessionOptions {
  /** Where programs start. */
  cwd: string;
  /** The job's environment and what the agent adds to it. */
  env: Record<string, string>;
  shell: Shell;
  /** More requests, by type. */
  requests: Record<string, SessionRequestHandler>;
  /** By name. */
  subsystems: Record<string, SubsystemHandler>;
  observer: SessionObserver;
}

/** The terminal that a client asks for. */
interface Terminal extends WindowSize {
  term: string;
  modes: Record<number, number>;
}

let sessions = 0;

/** One session channel: requests that prepare it, then one program (RFC 4254, section 6). */
export class Session implements SessionContext {
  readonly connection: Connection;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly #id = ++sessions;
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #controller = new AbortController();
  readonly #clientEnv: Record<string, string> = {};
  readonly #requests: Record<string, SessionRequestHandler> = {
    "pty-req": (_, data) => this.#requestPty(new Reader(data)),
    "env": (_, data) => this.#requestEnv(new Reader(data)),
    "window-change": (_, data) => this.#resize(new Reader(data)),
    "signal": (_, data) => this.#running().signal(new Reader(data).text()),
    "break": () => this.#running().signal("INT"),
    // The client reads no more.
    "eow@openssh.com": () => this.#running().signal("PIPE"),
  };
  #terminal?: Terminal;
  #program?: Process | Pty;
  #started = false;
  /** Settles when the session is over, with all that belongs to it. */
  readonly done: Promise<void>;
  #finish!: () => void;

  constructor(connection: Connection, channel: Channel, options: SessionOptions) {
    this.connection = connection;
    this.#channel = channel;
    this.#options = options;
    this.cwd = options.cwd;
    this.env = sessionEnvironment(options.env, connection.address);
    this.done = new Promise<void>((resolve) => this.#finish = resolve)
      .finally(() => this.#controller.abort());
    channel.closed.then(() => {
      if (!this.#started) this.#finish();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes one request; throws to refuse it. */
  async handle(type: string, data: Uint8Array): Promise<(() => void) | void> {
    switch (type) {
      case "shell":
        return await this.#start(undefined);
      case "exec":
        return await this.#start(new Reader(data).text());
      case "subsystem":
        return await this.#startSubsystem(new Reader(data).text());
    }
    const handler = own(this.#requests, type) ?? own(this.#options.requests, type);
    if (!handler) throw new Refused("not known");
    await handler(this, data);
  }

  #running(): Process | Pty {
    if (!this.#program) throw new Refused("no program is running");
    return this.#program;
  }

  #requestPty(data: Reader): void {
    if (!this.connection.permissions.pty) throw new Refused("the key allows no terminal");
    if (this.#started) throw new Refused("the program has started already");
    const [term, columns, rows] = [data.text(), data.uint32(), data.uint32()];
    data.uint32(); // Pixels.
    data.uint32();
    this.#terminal = { term, columns, rows, modes: decodeModes(data.string()) };
  }

  #requestEnv(data: Reader): void {
    const [name, value] = [data.text(), data.text()];
    const { command } = this.connection.permissions;
    const why = whyNotSettable(name, value, this.#clientEnv, command !== undefined);
    if (why) throw new Refused(`${name}: ${why}`);
    this.#clientEnv[name] = value;
  }

  #resize(data: Reader): void {
    const size = { columns: data.uint32(), rows: data.uint32() };
    if (this.#program && "resize" in this.#program) this.#program.resize(size);
    else if (this.#terminal) Object.assign(this.#terminal, size);
  }

  #claim(): void {
    if (this.#started) throw new Refused("the session has a program already");
    this.#started = true;
  }

  /** Starts a command, or the shell itself. */
  async #start(asked: string | undefined): Promise<() => void> {
    this.#claim();
    const { environment, command: forced } = this.connection.permissions;
    const { shell } = this.#options;
    const command = forced ?? asked;
    const env = { ...this.env, ...this.#clientEnv, ...environment };
    if (forced !== undefined && asked !== undefined) env.SSH_ORIGINAL_COMMAND = asked;
    const options = {
      file: shell.file,
      args: command === undefined
        ? interactiveArguments(shell.kind)
        : commandArguments(shell.kind, command),
      cwd: this.cwd,
      env,
    };
    const kind = command === undefined ? "shell" : "exec";
    try {
      this.#program = this.#terminal
        ? await spawnPty({
          ...options,
          ...this.#terminal,
          env: { ...env, TERM: this.#terminal.term || "dumb", SSH_TTY: "" },
        })
        : await spawnProcess(options);
    } catch (error) {
      this.#finish();
      throw new Error(`cannot start "${shell.file}": ${errorMessage(error)}`, { cause: error });
    }
    const program = this.#program;
    return () => this.#observe(kind, () => runProgram(program, this.#channel, this.connection));
  }

  async #startSubsystem(name: string): Promise<() => void> {
    if (this.connection.permissions.command !== undefined) return await this.#start(name);
    const handler = own(this.#options.subsystems, name);
    if (!handler) throw new Refused(`no subsystem "${name}"`);
    this.#claim();
    return () =>
      this.#observe(name === "sftp" ? "sftp" : "exec", async () => {
        await handler(this.#channel, this);
      });
  }

  /** Runs the session's program, its observer told of it. */
  async #observe(kind: SessionInfo["kind"], work: () => Promise<void>): Promise<void> {
    const { observer } = this.#options;
    const info: SessionInfo = {
      id: this.#id,
      kind,
      pty: this.#terminal !== undefined,
      notify: () => {},
    };
    observer.opened?.(info);
    try {
      await work();
    } catch (error) {
      this.connection.log.warn("session failed", { kind, why: errorMessage(error) });
    } finally {
      observer.closed?.(info);
      this.#finish();
    }
  }
}
