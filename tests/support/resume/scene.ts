/** A server that can die and be started again, an agent, and what people do in the job meanwhile. */
import { writeSshConfig } from "../clients.ts";
import { eventually } from "../deadline.ts";
import { type Program, TempDir } from "../program.ts";
import { type Agent, type AgentStart, type Announced, World } from "../world.ts";
import type { SessionClient, SessionsView } from "../../../lib/protocol/sessions_api.ts";
import { CuttableLink } from "./cuttable_link.ts";

export interface ResumeSceneOptions {
  /** More options of the server. */
  server?: string[];
  agent?: AgentStart;
  /** Whether the agent stays without shells. @default true */
  hold?: boolean;
  /** Leaves out the links that can be cut, for less work. @default false */
  direct?: boolean;
  /** Starts what is in front of the server, at its port. @default nothing is */
  front?: (serverPort: number) => Promise<{ port: number } & AsyncDisposable>;
}

/** Leaving its scope ends it all. */
export class ResumeScene implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #serverArgs: string[];

  private constructor(
    readonly world: World,
    /** The agent's and the clients' ways to the server, if they are not direct. */
    readonly links: { agent: CuttableLink; client: CuttableLink },
    /** Where clients find the server. */
    readonly clientUrl: string,
    readonly agent: Agent,
    readonly announced: Announced,
    serverArgs: string[],
  ) {
    this.#serverArgs = serverArgs;
  }

  static async start(options: ResumeSceneOptions = {}): Promise<ResumeScene> {
    await using stack = new AsyncDisposableStack();
    const state = stack.use(new TempDir());
    const many = ["--max-clients-per-agent", "1000", "--max-clients-per-address", "1000"];
    const args = ["--state-dir", state.path, ...many, ...options.server ?? []];
    const world = stack.use(await World.start(args));
    const serverPort = Number(new URL(world.url).port);
    const port = options.front === undefined
      ? serverPort
      : stack.use(await options.front(serverPort)).port;
    const links = {
      agent: stack.use(await CuttableLink.start(port)),
      client: stack.use(await CuttableLink.start(port)),
    };
    const [agentUrl, clientUrl] = [links.agent, links.client].map((link) =>
      `ws://127.0.0.1:${options.direct ? port : link.port}`
    );
    const agent = world.startAgent({
      ...options.agent,
      args: [...options.hold === false ? [] : ["--hold"], ...options.agent?.args ?? []],
      url: agentUrl,
    });
    const announced = await agent.announced();
    const scene = new ResumeScene(world, links, clientUrl!, agent, announced, args);
    scene.#stack.use(stack.move());
    return scene;
  }

  /** How ssh reaches the agent, through wsproxy with these options. */
  proxyCommand(...options: string[]): string {
    const { world, announced: { id } } = this;
    return world.proxyCommand(id, [...options, this.clientUrl].join(" "));
  }

  /** A config file in which `job` is the agent. */
  config(...more: string[]): string {
    return writeSshConfig(this.world, this.announced, [
      ...more,
      `ProxyCommand ${this.proxyCommand()}`,
    ]);
  }

  /** Starts a tunnel. @returns the options of ssh for it */
  async tunnel(): Promise<string[]> {
    const [, port] = await this.world.startTunnel(this.announced.id, this.clientUrl)
      .waitFor(/127\.0\.0\.1:(\d+)/);
    return this.world.tunnelOptions(this.announced, Number(port));
  }

  /** Ends the server as the kernel does when memory runs out. */
  async killServer(): Promise<void> {
    this.world.server.kill("SIGKILL");
    await this.world.server.result();
  }

  async restartServer(): Promise<void> {
    await this.world.startServer(this.#serverArgs);
  }

  /** Has another server take the port over. @returns the former one, which drains */
  async takeOver(): Promise<Program> {
    const { server } = this.world;
    const { printed } = server;
    server.kill("SIGTERM");
    await server.waitFor(/"event":"draining"/, printed);
    await this.restartServer();
    return server;
  }

  /** Waits until the server's operators see clients that fit. */
  async shown(fit: (clients: SessionClient[]) => boolean): Promise<SessionClient[]> {
    let clients: SessionClient[] = [];
    await eventually(async () => {
      const view: SessionsView = await (await fetch(`${this.world.http}/api/sessions`)).json();
      clients = view.agents.flatMap(({ clients }) => clients);
      return fit(clients);
    }, () => `still shown: ${JSON.stringify(clients)}`);
    return clients;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
