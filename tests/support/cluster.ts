/** Nodes of a cluster for tests, in this process or as processes of their own, with a Redis. */
import { createLog } from "../../lib/log/log.ts";
import type { ClusterTiming } from "../../lib/server/cluster/directory.ts";
import { Registration } from "../../lib/agent/registration.ts";
import type { RegisteredMessage } from "../../lib/protocol/messages.ts";
import type { ServerOptions } from "../../lib/cli/server_options.ts";
import type { ByteStream } from "../../lib/wire/byte_stream.ts";
import { eventually, inTime } from "./deadline.ts";
import { type Program, startEntry } from "./program.ts";
import { freePort, TestRedis } from "./redis.ts";
import { startTestServer, type TestServer } from "./server.ts";

export const PEER_KEY = "the key of the nodes in these tests";

/** Shorter than in real life where a test would have to wait. */
export const TEST_TIMING: Partial<ClusterTiming> = { settleMs: 300, renewMs: 500, lookMs: 100 };

/** What the nodes have in common. */
export interface NodesOptions {
  timing?: Partial<ClusterTiming>;
  options?: Partial<ServerOptions>;
}

/** Starts a node in this process and waits until it has met the directory. */
export async function startNode(
  redis: TestRedis,
  { timing, options }: NodesOptions = {},
): Promise<TestServer> {
  const port = freePort();
  const cluster = {
    url: new URL(redis.url),
    nodeUrl: `http://127.0.0.1:${port}`,
    peerKey: PEER_KEY,
  };
  const clusterTiming = { ...TEST_TIMING, ...timing };
  const server = await startTestServer({ ...options, port, cluster }, { clusterTiming });
  await eventually(() => server.load().cluster!.nodes > 0, () => "the node does not beat");
  return server;
}

/** A Redis and nodes that newcomers get the IDs from that they ask for. */
export async function startNodes(
  count: number,
  options?: NodesOptions,
): Promise<AsyncDisposable & { redis: TestRedis; nodes: TestServer[] }> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await TestRedis.start());
  const nodes: TestServer[] = [];
  for (let i = 0; i < count; i++) nodes.push(stack.use(await startNode(redis, options)));
  await settled(nodes);
  const kept = stack.move();
  return { redis, nodes, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Waits until newcomers get the IDs from `nodes` that they ask for, and each knows all others. */
export async function settled(nodes: TestServer[]): Promise<void> {
  for (const node of nodes) {
    const all = () => node.load().cluster!.nodes >= nodes.length;
    await eventually(all, () => "the nodes do not meet");
  }
  await eventually(async () => {
    await using agent = await EchoAgent.start(nodes[0]!.url, `probe-${crypto.randomUUID()}`);
    return agent.id.startsWith("probe-");
  }, () => "the directory does not settle");
}

export interface EchoAgentOptions {
  /** @default sends back what comes */
  serve?: (stream: ByteStream) => Promise<void>;
  /** To trust besides. */
  ca?: string;
}

/** An agent without SSH: clients get back what they send. */
export class EchoAgent implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #registered = Promise.withResolvers<void>();
  /** Of each registration, the newest last. */
  readonly registrations: RegisteredMessage[] = [];
  log = "";
  /** What clients said it was. */
  readonly addresses: string[] = [];

  constructor(server: string, id: string, { ca, serve = echo }: EchoAgentOptions = {}) {
    const registration = new Registration(
      {
        server: new URL(server),
        id,
        facts: { host: "host", user: "user", os: "linux", shell: "sh" },
        tls: { ca },
        log: createLog({ level: "debug", write: (line) => void (this.log += line) }),
        onRegistered: (message) => {
          this.registrations.push(message);
          this.#registered.resolve();
          this.#registered = Promise.withResolvers();
        },
        onClient: async (stream, { address }) => {
          this.addresses.push(address);
          await serve(stream);
        },
      } as ConstructorParameters<typeof Registration>[0],
    );
    this.#running = registration.run(this.#stop.signal);
    this.#running.catch(() => {});
  }

  static async start(
    server: string,
    id: string,
    options?: EchoAgentOptions,
  ): Promise<EchoAgent> {
    const agent = new EchoAgent(server, id, options);
    await agent.registered(1);
    return agent;
  }

  /** Waits until it has registered so many times. */
  async registered(times: number): Promise<void> {
    while (this.registrations.length < times) {
      const failed = this.#running.then(() => {});
      await inTime(Promise.race([this.#registered.promise, failed]), () => this.log);
    }
  }

  get id(): string {
    return this.registrations.at(-1)!.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running.catch(() => {});
  }
}

async function echo(stream: ByteStream): Promise<void> {
  try {
    for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
      await stream.write(bytes);
    }
    await stream.end();
    await stream.closed;
  } catch {
    // The client has disconnected.
  } finally {
    stream.close();
  }
}

/** Nodes that are processes of their own. */
export class NodeProgram implements AsyncDisposable {
  private constructor(readonly program: Program, readonly port: number) {}

  static async start(
    redis: TestRedis,
    { port = freePort(), timing = TEST_TIMING, key = PEER_KEY, args = [] as string[] } = {},
  ): Promise<NodeProgram> {
    const program = startEntry("tests/support/cluster_node.ts", [
      ...["--host", "127.0.0.1", "--port", `${port}`, "--log-format", "json"],
      ...["--cluster-url", redis.url, "--node-url", `http://127.0.0.1:${port}`],
      ...args,
    ], { env: { CONVERGE_PEER_KEY: key, CLUSTER_TIMING: JSON.stringify(timing) } });
    try {
      await program.waitFor(/"event":"directory connected"/);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return new NodeProgram(program, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.kill("SIGCONT");
    await this.program[Symbol.asyncDispose]();
  }
}
