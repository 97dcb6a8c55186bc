/**
 * `deno task torture slow-links [client] [link]`: other people's clients move a file over slow and long
 * links, with a shell beside. Every byte has to arrive, the shell has to answer, and the server must
 * not grow.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { quantile } from "../bench/measure.ts";
import { residentMemory } from "../bench/usage.ts";
import { assertSameFile, randomBytes, succeed } from "../support/clients.ts";
import { run, TempDir } from "../support/program.ts";
import { startSlowLink } from "../support/slow_link.ts";
import { World } from "../support/world.ts";
import { DOWNLOADS, masterOptions, type Route, sshConfig, UPLOADS } from "./transfers.ts";

interface Link {
  name: string;
  /** In bytes a second, each way. */
  rate: number;
  /** In bytes. */
  size: number;
}

/** The delay each way, in milliseconds. */
const DELAY = 100;

const LINKS: Link[] = [
  { name: "100 kB/s", rate: 1e5, size: 2e6 },
  { name: "1 MB/s", rate: 1e6, size: 20e6 },
  { name: "30 MB/s", rate: 30e6, size: 100e6 },
];

/** A byte to and fro, over and over, through `cat` in a session of its own. */
class Echo implements AsyncDisposable {
  readonly times: number[] = [];
  readonly #child: Deno.ChildProcess;
  #going = true;
  #done: Promise<void>;

  constructor(args: string[]) {
    this.#child = new Deno.Command("ssh", {
      args: [...args, "job", "cat"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const [writer, reader] = [this.#child.stdin.getWriter(), this.#child.stdout.getReader()];
    for (let first = true; this.#going; first = false) {
      const start = performance.now();
      await writer.write(new Uint8Array([120]));
      if ((await reader.read()).done) throw new Error("the shell has ended");
      // The first one waits for the login.
      if (!first) this.times.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await writer.close();
    await reader.cancel();
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** What the server's metrics say waits in it, in bytes. */
async function bufferedBytes(world: World): Promise<number> {
  const text = await (await fetch(`${world.http}/metrics`)).text();
  return Number(/^converge_buffered_bytes (\S+)$/m.exec(text)?.[1] ?? NaN);
}

/** Runs one transfer with a shell beside it, and prints what was seen. */
async function transfer(
  world: World,
  name: string,
  command: string,
  echoArgs: string[],
): Promise<void> {
  let [memory, buffered] = [0, 0];
  const look = async () => {
    memory = Math.max(memory, residentMemory(world.server.pid));
    buffered = Math.max(buffered, await bufferedBytes(world));
  };
  const echo = new Echo(echoArgs);
  await until(() => echo.times.length > 2);
  const before = echo.times.splice(0);
  const start = performance.now();
  const looking = setInterval(() => look().catch(() => {}), 200);
  const result = await run("bash", ["-c", command]);
  clearInterval(looking);
  const seconds = (performance.now() - start) / 1000;
  assert.equal(result.code, 0, `${name}: ${result.stderr}`);
  const during = echo.times.splice(0);
  await echo[Symbol.asyncDispose]();
  const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(8);
  const cells = [
    name.padEnd(22),
    `${seconds.toFixed(1)} s`.padStart(8),
    ms(quantile(before, 0.5)),
    during.length > 0 ? ms(quantile(during, 0.5)) : "",
    during.length > 0 ? ms(Math.max(...during)) : "",
    `${(buffered / 2 ** 20).toFixed(2)} MiB`.padStart(10),
    `${memory.toFixed(0)} MiB`.padStart(8),
  ];
  console.log(cells.join(" "));
}

/**
 * @param client transfers whose name has this in it
 * @param speed links whose name has this in it
 */
export async function slowLinks(client = "", speed = ""): Promise<void> {
  for (const link of LINKS.filter(({ name }) => name.includes(speed))) {
    await using world = await World.start();
    await using local = new TempDir();
    const agent = world.startAgent({ args: ["--hold"] });
    const announced = await agent.announced();
    const bytes = randomBytes(link.size);
    const [near, far] = [local.write("near", bytes), agent.dir.write("far", bytes)];
    await using slow = await startSlowLink(Number(new URL(world.url).port), link.rate, DELAY);
    const url = `ws://127.0.0.1:${slow.port}`;
    const tunnel = world.startTunnel(announced.id, url);
    const [, tunnelPort] = await tunnel.waitFor(/127\.0\.0\.1:(\d+)/);
    using files = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void giveFile(files, far);
    const ppk = join(local.path, "key.ppk");
    await succeed("puttygen", [world.key, "-O", "private", "-o", ppk]);
    const route: Route = {
      ...{ world, agent: announced, url, ppk, dir: local.path, far, near },
      ...{ tunnelPort: Number(tunnelPort), filePort: files.addr.port },
    };
    console.log(
      `\n${link.name}, ${2 * DELAY} ms: ${link.size / 1e6} MB. Time; a shell's echo before, ` +
        "its median and its longest beside; the most that waits in the server; its memory",
    );
    for (const [direction, transfers] of [["down", DOWNLOADS], ["up", UPLOADS]] as const) {
      for (const [name, make] of Object.entries(transfers)) {
        if (!`${direction} ${name}`.includes(client)) continue;
        const dir = direction === "down" ? local.path : agent.dir.path;
        const made = join(dir, crypto.randomUUID());
        const command = make(route, made);
        await transfer(world, `${direction}, ${name}`, command, echoBeside(route, name));
        await assertSameFile(made, near);
        await Deno.remove(made);
      }
    }
  }
}

/** The shell is in the same connection if that has many channels, else in one of its own. */
function echoBeside(route: Route, name: string): string[] {
  return name.includes("channels") ? [...masterOptions(route), "-M"] : ["-F", sshConfig(route)];
}

async function giveFile(listener: Deno.Listener, path: string): Promise<void> {
  try {
    for await (const connection of listener) {
      const file = await Deno.open(path);
      file.readable.pipeTo(connection.writable).catch(() => {});
    }
  } catch {
    // It is closed.
  }
}
