/** What `torture/slow_links.ts` runs in a network namespace of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { quantile } from "../../bench/measure.ts";
import { residentMemory } from "../../bench/usage.ts";
import { assertSameFile, randomBytes, succeed } from "../../support/clients.ts";
import { Program, run, TempDir } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";
import { type SlowLink, startSlowLink } from "../../support/slow_link.ts";
import { World } from "../../support/world.ts";
import { Echo } from "./echo.ts";
import { DOWNLOADS, masterOptions, type Route, sshConfig, UPLOADS } from "./transfers.ts";

interface Speed {
  name: string;
  /** In bytes a second, each way. */
  rate: number;
  /** In bytes. */
  size: number;
}

/** The delay each way, in milliseconds. */
const DELAY = 100;

const SPEEDS: Speed[] = [
  { name: "100 kB/s", rate: 1e5, size: 1.5e6 },
  { name: "1 MB/s", rate: 1e6, size: 10e6 },
  { name: "30 MB/s", rate: 30e6, size: 60e6 },
];

/** What a shell's echo may have before it, beyond what the link carries in 500 ms, in bytes. */
const MAX_BEFORE_ECHO = 384 * 1024;

/** What may wait in the server, in bytes: what an agent may have on its way, and a bit more. */
const MAX_BUFFERED = 2.5 * 2 ** 20;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** What the server's metrics say waits in it, in bytes. */
async function bufferedBytes(world: World): Promise<number> {
  const text = await (await fetch(`${world.http}/metrics`)).text();
  return Number(/^converge_buffered_bytes (\S+)$/m.exec(text)?.[1] ?? NaN);
}

/** Runs one transfer with a shell beside it, prints what was seen, and checks it. */
async function transfer(route: Route, name: string, command: string): Promise<void> {
  const { world, link, rate } = route;
  let [memory, buffered] = [0, 0];
  const look = async () => {
    memory = Math.max(memory, residentMemory(world.server.pid));
    buffered = Math.max(buffered, await bufferedBytes(world));
  };
  const echo = new Echo([...link.enter, "ssh", ...echoBeside(route, name)], link.carried);
  await until(() => echo.trips.length > 2);
  const before = echo.trips.splice(0).map(({ ms }) => ms);
  const start = performance.now();
  const looking = setInterval(() => look().catch(() => {}), 200);
  const [enter, ...args] = link.enter;
  const result = await run(enter!, [...args, "bash", "-c", command]);
  clearInterval(looking);
  const seconds = (performance.now() - start) / 1000;
  assert.equal(result.code, 0, `${name}: ${result.stderr}`);
  const during = echo.trips.splice(0);
  await echo[Symbol.asyncDispose]();
  const times = during.map(({ ms }) => ms);
  const carried = quantile(during.map(({ carried }) => carried), 0.5);
  const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(8);
  const cells = [
    name.padEnd(22),
    `${seconds.toFixed(1)} s`.padStart(8),
    ms(quantile(before, 0.5)),
    ms(quantile(times, 0.5)),
    ms(Math.max(...times)),
    `${(carried / 1e3).toFixed(0)} kB`.padStart(8),
    `${(buffered / 2 ** 20).toFixed(2)} MiB`.padStart(10),
    `${memory.toFixed(0)} MiB`.padStart(8),
  ];
  console.log(cells.join(" "));
  // In bytes: a busy machine makes an echo late, but does not put more before it.
  assert.ok(carried < rate / 2 + MAX_BEFORE_ECHO, `${carried} bytes before an echo`);
  assert.ok(buffered < MAX_BUFFERED, `${buffered} bytes in the server`);
}

async function startTunnel(link: SlowLink, url: string): Promise<Program & { port: number }> {
  const [enter, ...args] = link.enter;
  const deno = [Deno.execPath(), "run", "--no-check", "--no-prompt", "-N", "-E"];
  const program = new Program(enter!, [...args, ...deno, join(ROOT, "tunnel.ts"), "0", url]);
  const [, port] = await program.waitFor(/127\.0\.0\.1:(\d+)/);
  return Object.assign(program, { port: Number(port) });
}

async function tryAll({ name, rate, size }: Speed, client: string): Promise<void> {
  await using link = await startSlowLink(rate, DELAY);
  await using world = await World.start(["--host", "0.0.0.0"]);
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const bytes = randomBytes(size);
  const [near, far] = [local.write("near", bytes), agent.dir.write("far", bytes)];
  const url = `ws://${link.address}:${new URL(world.url).port}`;
  await using tunnel = await startTunnel(link, `${url}/client/${announced.id}`);
  using files = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void giveFile(files, far);
  const ppk = join(local.path, "key.ppk");
  await succeed("puttygen", [world.key, "-O", "private", "-o", ppk]);
  const route: Route = {
    ...{ world, link, rate, agent: announced, url, ppk, dir: local.path, far, near },
    ...{ tunnelPort: tunnel.port, filePort: files.addr.port },
  };
  console.log(
    `\n${name}, ${2 * DELAY} ms: ${size / 1e6} MB. Time; a shell's echo before, its median and ` +
      "its longest beside; what the link carried meanwhile; the most that waits in the server; " +
      "its memory",
  );
  for (const [direction, transfers] of [["down", DOWNLOADS], ["up", UPLOADS]] as const) {
    for (const [transferName, make] of Object.entries(transfers)) {
      if (!`${direction}, ${transferName}`.includes(client)) continue;
      const dir = direction === "down" ? local.path : agent.dir.path;
      const made = join(dir, crypto.randomUUID());
      await transfer(route, `${direction}, ${transferName}`, make(route, made));
      await assertSameFile(made, near);
      await Deno.remove(made);
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

const [client = "", speed = "", megabytes = ""] = Deno.args;
for (const each of SPEEDS.filter(({ name }) => name.includes(speed))) {
  await tryAll({ ...each, size: 1e6 * Number(megabytes) || each.size }, client);
}
