/** A server, an agent in a directory that outlives it, and a tunnel, each of which can die. */
import assert from "node:assert/strict";
import { EchoSession } from "../../bench/measure.ts";
import { inTime } from "../../support/deadline.ts";
import { Program, startEntry, TempDir } from "../../support/program.ts";
import { type Announced, World } from "../../support/world.ts";

export interface SceneOptions {
  /** The environment of server and agent. */
  env?: Record<string, string>;
  /** Whether the agent stays without shells and input. @default true */
  hold?: boolean;
  /**
   * How long streams wait for a lost connection. @default "2s": what has lost its peer for good ends
   * soon
   */
  resumeTime?: string;
}

/** Leaving its scope ends it all. */
export class Scene implements AsyncDisposable {
  announced!: Announced;
  agent!: Program;
  tunnel!: Program;
  tunnelPort = 0;
  readonly #stack = new AsyncDisposableStack();
  /** The agent's directory. */
  readonly dir = this.#stack.use(new TempDir());

  private constructor(
    readonly world: World,
    readonly serverArgs: string[],
    readonly options: SceneOptions,
  ) {
    this.#stack.use(world);
    this.dir.write(".authorized_keys", world.publicKey);
  }

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const state = new TempDir();
    const args = ["--state-dir", state.path];
    const scene = new Scene(await World.start(args, options.env), args, options);
    scene.#stack.use(state);
    await scene.startAgent();
    await scene.startTunnel();
    return scene;
  }

  async startAgent(): Promise<void> {
    const { dir, options: { env, hold = true } } = this;
    const args = [...hold ? ["--hold"] : [], "--json", "--shell", "/bin/bash", ...this.#resume];
    args.push(this.world.url);
    this.agent = this.#stack.use(startEntry("agent.ts", args, { cwd: dir.path, env }));
    this.announced = JSON.parse((await this.agent.waitFor(/^\{.*\}$/m))[0]);
  }

  /** In place of the former one, at its port. */
  async startTunnel(): Promise<void> {
    this.tunnel?.kill();
    await this.tunnel?.result();
    const url = `${this.world.url}/client/${this.announced.id}`;
    const args = [...this.#resume, String(this.tunnelPort), url];
    this.tunnel = this.#stack.use(startEntry("tunnel.ts", args));
    this.tunnelPort = Number((await this.tunnel.waitFor(/127\.0\.0\.1:(\d+)/))[1]);
  }

  /** A session that gives back each byte; its first round trip is over. */
  async openEcho(): Promise<EchoSession> {
    const { announced } = this;
    const destination = `${announced.username}@localhost`;
    const echo = new EchoSession({
      name: "shell",
      options: this.#viaWsproxy(),
      destination,
    });
    await echo.trip();
    return this.#stack.use(echo);
  }

  /** Starts the server again, to which the agent comes back. */
  async restartServer(): Promise<void> {
    const { printed } = this.agent;
    await this.world.startServer(this.serverArgs, this.options.env);
    await this.agent.waitFor(/registered again/, printed);
  }

  /** Starts ssh with a command, through wsproxy or the tunnel. */
  startSsh(command: string, throughTunnel = false): Program {
    const { world, announced } = this;
    const options = throughTunnel
      ? world.tunnelOptions(announced, this.tunnelPort)
      : this.#viaWsproxy();
    const words = [...options, `${announced.username}@127.0.0.1`, command];
    // What the command prints on stdout is much, and nobody's.
    const script = 'exec ssh "$@" >/dev/null';
    return this.#stack.use(
      new Program("bash", ["-c", script, "ssh", ...words], {
        interactive: true,
      }),
    );
  }

  get #resume(): string[] {
    return ["--resume-time", this.options.resumeTime ?? "2s"];
  }

  #viaWsproxy(): string[] {
    const { world, announced } = this;
    const url = [...this.#resume, world.url].join(" ");
    return world.sshOptions(announced, world.proxyCommand(announced.id, url));
  }

  /** Whether a person can log in now. */
  async canLogIn(throughTunnel = false): Promise<void> {
    const ssh = this.startSsh("echo in >&2", throughTunnel);
    const { code, stderr } = await inTime(ssh.result(), () => `no login: ${ssh.stderr}`);
    assert.deepEqual([code, stderr], [0, "in\n"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
