/** A rendez-vous server, agents and a person's key, each program a process of its own. */
import { join } from "node:path";
import { type ProgramOptions, type ProgramResult, run, startEntry, TempDir } from "./program.ts";
import { Program } from "./program.ts";
import { Terminal, type TerminalOptions } from "./terminal.ts";
import { ROOT } from "./root.ts";

/** What `agent --json` prints once registered. */
export interface Announced {
  id: string;
  username: string;
  fingerprint: string;
  hostKey: string;
}

export interface AgentStart {
  id?: string;
  args?: string[];
  env?: Record<string, string>;
  /** The agent's directory is a fresh one unless given. */
  dir?: TempDir;
  /** What `.authorized_keys` holds; null leaves it out. @default the person's public key */
  authorizedKeys?: string | Uint8Array | null;
  /** Whether to announce as JSON, which {@link Agent.announced} reads. @default true */
  json?: boolean;
  /** Where the server is, unless `env` says it. @default World.url */
  url?: string;
}

/** An agent that has registered, or is about to. */
export class Agent implements AsyncDisposable {
  constructor(readonly program: Program, readonly dir: TempDir, readonly url: string) {}

  /** What it printed at its latest registration. */
  async announced(pattern = /^\{.*\}$/m): Promise<Announced> {
    const [line] = await this.program.waitFor(pattern);
    return JSON.parse(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.kill("SIGTERM");
    await this.program.result();
    await this.dir[Symbol.asyncDispose]();
    await this.program[Symbol.asyncDispose]();
  }
}

/** Everything that an end-to-end test needs; leaving its scope ends it all. */
export class World implements AsyncDisposable {
  readonly home = new TempDir();
  readonly #stack = new AsyncDisposableStack();
  #server: Program | undefined;
  #executable: string | undefined;
  #port = 0;

  private constructor() {
    this.#stack.use(this.home);
  }

  /** @param executable of the server. @default its source is run */
  static async start(
    serverArgs: string[] = [],
    env: Record<string, string> = {},
    executable?: string,
  ): Promise<World> {
    const world = new World();
    world.#executable = executable;
    try {
      const keygen = await run("ssh-keygen", [
        ...["-q", "-t", "ed25519", "-N", "", "-C", "ann@example.org", "-f", world.key],
      ]);
      if (keygen.code !== 0) throw new Error(keygen.stderr);
      await world.startServer(serverArgs, env);
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The person's private key file. */
  get key(): string {
    return join(this.home.path, "key");
  }

  get publicKey(): string {
    return Deno.readTextFileSync(`${this.key}.pub`);
  }

  get server(): Program {
    return this.#server!;
  }

  /** The server's address with a scheme of websockets. */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get http(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the server, at the same port as before if there was one. */
  async startServer(args: string[] = [], env: Record<string, string> = {}): Promise<void> {
    const listen = ["--host", "127.0.0.1", "--port", String(this.#port), "--log-format", "json"];
    const server = this.#executable === undefined
      ? startEntry("server.ts", [...listen, ...args], { env })
      : new Program(this.#executable, [...listen, ...args], { env });
    this.#stack.use(server);
    const [, port] = await server.waitFor(/"event":"listening".*"port":(\d+)/);
    this.#server = server;
    this.#port = Number(port);
  }

  /** Starts an agent, which ends with the world if not before. */
  startAgent(options: AgentStart = {}): Agent {
    const dir = options.dir ?? new TempDir();
    const keys = options.authorizedKeys === undefined ? this.publicKey : options.authorizedKeys;
    if (keys !== null) dir.write(".authorized_keys", keys);
    const json = options.json === false ? [] : ["--json"];
    const id = options.id === undefined ? [] : ["--id", options.id];
    const url = options.env?.CONVERGE_SERVER === undefined ? [options.url ?? this.url] : [];
    const program = startEntry(
      "agent.ts",
      [...json, ...id, ...options.args ?? [], ...url],
      { cwd: dir.path, env: options.env },
    );
    return this.#stack.use(new Agent(program, dir, this.url));
  }

  /** wsproxy as ssh's ProxyCommand, without quotes of any kind. */
  proxyCommand(id: string, url = this.url): string {
    const wsproxy = `${Deno.execPath()} run --no-check --no-prompt -N -E ${
      join(ROOT, "wsproxy.ts")
    }`;
    return `${wsproxy} ${url}/client/${id}`;
  }

  /** Options of ssh for a client of its own that pins the agent's host key. */
  sshOptions(agent: Announced, proxyCommand = this.proxyCommand(agent.id)): string[] {
    return [
      ...["-F", "none", "-i", this.key, "-oIdentitiesOnly=yes", "-oIdentityAgent=none"],
      ...["-oUserKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=yes", "-oLogLevel=ERROR"],
      ...[`-oHostKeyAlias=${agent.id}`, `-oProxyCommand=${proxyCommand}`],
      ...[`-oKnownHostsCommand=/bin/echo ${agent.id} ${agent.hostKey}`],
    ];
  }

  /** The same through a tunnel at a port of 127.0.0.1. */
  tunnelOptions(agent: Announced, port: number): string[] {
    return [...this.sshOptions(agent, "none"), "-p", String(port)];
  }

  /** Starts wsproxy by itself. */
  startWsproxy(id: string, options?: ProgramOptions): Program {
    const permissions = ["-N", "-E"];
    const url = `${this.url}/client/${id}`;
    return this.#stack.use(startEntry("wsproxy.ts", [url], { ...options, permissions }));
  }

  /** Starts tunnel at a free port. */
  startTunnel(id: string, url = this.url): Program {
    return this.#stack.use(startEntry("tunnel.ts", ["0", `${url}/client/${id}`]));
  }

  /** Runs ssh with a command to its end; options come first, each in one word. */
  ssh(agent: Announced, args: string[], options?: ProgramOptions): Promise<ProgramResult> {
    return run("ssh", this.#sshArgs(agent, args), options);
  }

  /** Starts ssh with a command. */
  startSsh(agent: Announced, args: string[], options?: ProgramOptions): Program {
    return this.#stack.use(new Program("ssh", this.#sshArgs(agent, args), options));
  }

  /** Runs ssh in a terminal, as a person does. */
  terminal(agent: Announced, args: string[] = [], options?: TerminalOptions): Terminal {
    return this.#stack.use(new Terminal("ssh", this.#sshArgs(agent, ["-t", ...args]), options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #sshArgs(agent: Announced, args: string[]): string[] {
    const [options, command] = splitOptions(args);
    // Of two values for an option ssh takes the first.
    return [...options, ...this.sshOptions(agent), `${agent.username}@localhost`, ...command];
  }
}

/** Options of ssh come before the destination, the command behind it. */
function splitOptions(args: string[]): [options: string[], command: string[]] {
  const end = args.findIndex((arg) => !arg.startsWith("-"));
  return end < 0 ? [args, []] : [args.slice(0, end), args.slice(end)];
}
