/** What the benchmark compares: Converge as people download it, and peers. */
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { Program, TempDir } from "../support/program.ts";
import { ROOT } from "../support/root.ts";
import { freePort, Sshd } from "../support/sshd.ts";
import { type Announced, World } from "../support/world.ts";
import type { Watched } from "./usage.ts";

/** How to reach one of the servers that are compared. */
export interface Target {
  name: string;
  /** Options of ssh and sftp, ended by nothing. */
  options: string[];
  /** `user@host`. */
  destination: string;
  /** The programs of the job's side and in between, by name; ssh and what it starts come to that. */
  programs: Record<string, Watched>;
  /** The process in the job whose processor the pinned measurements choose. */
  job?: number;
}

/** All that runs during a benchmark; leaving its scope ends it. */
export class Targets implements AsyncDisposable {
  readonly converge: Target;
  /** The same without streams that go on after a lost connection. */
  readonly plain: Target;
  readonly sshd: Target;
  /** The same sshd, reached by websockets. */
  readonly peers: Target[];
  /** The agent's directory. */
  readonly there: string;
  /** wsproxy with its argument. */
  readonly wsproxy: string[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    from: Pick<Targets, "converge" | "plain" | "sshd" | "peers" | "there" | "wsproxy">,
    stack: AsyncDisposableStack,
  ) {
    ({ converge: this.converge, plain: this.plain, sshd: this.sshd, peers: this.peers } = from);
    ({ there: this.there, wsproxy: this.wsproxy } = from);
    this.#stack = stack;
  }

  static async start(): Promise<Targets> {
    await using stack = new AsyncDisposableStack();
    const dist = await builtDist();
    const world = stack.use(await World.start([], {}, join(dist, "server")));
    const dir = stack.use(new TempDir());
    dir.write(".authorized_keys", world.publicKey);
    const agent = stack.use(
      new Program(join(dist, "agent"), ["--json", "--hold", world.url], { cwd: dir.path }),
    );
    const announced: Announced = JSON.parse((await agent.waitFor(/^\{.*\}$/m))[0]);
    const sshd = stack.use(await Sshd.start(world.publicKey));
    const wsproxy = [join(dist, "wsproxy"), `${world.url}/client/${announced.id}`];
    const converge: Target = {
      name: "Converge",
      options: world.sshOptions(announced, wsproxy.join(" ")),
      destination: `${announced.username}@localhost`,
      programs: { agent: { pid: agent.pid }, server: { pid: world.server.pid } },
      job: agent.pid,
    };
    const [program, ...args] = wsproxy;
    const plain: Target = {
      ...converge,
      name: "--resume-time 0",
      options: world.sshOptions(announced, [program, "--resume-time", "0", ...args].join(" ")),
    };
    const daemon = { pid: sshd.program.pid, below: /^sshd/ };
    const byProxy = (name: string, proxy: string, programs: Record<string, Watched>): Target => ({
      name,
      options: [
        ...world.sshOptions({ ...announced, hostKey: sshd.hostKey }, proxy),
        `-oPort=${sshd.port}`,
      ],
      destination: `${Deno.env.get("USER") ?? "root"}@127.0.0.1`,
      programs: { sshd: daemon, ...programs },
      job: sshd.program.pid,
    });
    const peers = [
      await relayPeer(stack, sshd, byProxy),
      await websockifyPeer(stack, sshd, byProxy),
    ];
    return new Targets(
      {
        converge,
        plain,
        sshd: byProxy("sshd", "none", {}),
        peers: peers.filter((peer) => peer !== undefined),
        there: dir.path,
        wsproxy,
      },
      stack.move(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

type ByProxy = (name: string, proxy: string, programs: Record<string, Watched>) => Target;

/** The client of both, as websockify has none of its own for ssh. */
const RELAY = [Deno.execPath(), "run", "-A", "--no-check", join(ROOT, "tests/bench/ws_relay.ts")];

async function relayPeer(
  stack: AsyncDisposableStack,
  sshd: Sshd,
  byProxy: ByProxy,
): Promise<Target> {
  const [deno, ...args] = RELAY;
  const relay = stack.use(new Program(deno!, [...args, "listen", `${sshd.port}`]));
  const [port] = await relay.waitFor(/^\d+$/m);
  const proxy = `${RELAY.join(" ")} connect ws://127.0.0.1:${port}`;
  return byProxy("npm:ws", proxy, { relay: { pid: relay.pid } });
}

async function websockifyPeer(
  stack: AsyncDisposableStack,
  sshd: Sshd,
  byProxy: ByProxy,
): Promise<Target | undefined> {
  const port = freePort();
  let websockify: Program;
  try {
    const addresses = [`127.0.0.1:${port}`, `127.0.0.1:${sshd.port}`];
    websockify = stack.use(new Program("websockify", addresses));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("websockify is not installed: its rows are left out");
    return;
  }
  await websockify.waitFor(/proxying from/);
  const proxy = `${RELAY.join(" ")} connect ws://127.0.0.1:${port}`;
  // It starts a process for each connection.
  return byProxy("websockify", proxy, { websockify: { pid: websockify.pid, below: /./ } });
}
