/** wsproxy and tunnel where there is no glibc. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { type ContainerOptions, CONTAINERS, RootDirectory } from "../support/root_directory.ts";
import { World } from "../support/world.ts";
import { ENVIRONMENTS } from "./environments.ts";

const ignore = !CONTAINERS || Deno.build.arch !== "x86_64";

interface Kind {
  name: string;
  /** In ENVIRONMENTS. */
  environment: string;
  /** What follows the programs' names in `dist`. */
  suffix: string;
  options?: ContainerOptions;
}

const KINDS: Kind[] = [
  { name: "musl", environment: "musl and busybox (Alpine)", suffix: "" },
  {
    name: "musl, as another user",
    environment: "musl and busybox (Alpine)",
    suffix: "",
    options: { user: 1234 },
  },
  {
    name: "musl on ARM64",
    environment: "musl on ARM64 (under QEMU)",
    suffix: "-linux-arm64",
  },
];

/** A script that runs a command, for ssh's ProxyCommand. */
function script(dir: TempDir, command: string, args: string[]): string {
  const words = [command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return dir.write("command", `#!/bin/sh\nexec ${words.join(" ")}\n`, 0o755);
}

for (const { name, environment, suffix, options } of KINDS) {
  const { needs, fill, emulator = [] } = ENVIRONMENTS.find(({ name }) => name === environment)!;
  requires("ssh", ...needs)(`wsproxy and tunnel on ${name}`, { ignore }, async () => {
    const dist = await builtDist();
    await using world = await World.start();
    await using root = new RootDirectory();
    await using dir = new TempDir();
    await fill?.(root);
    for (const program of ["wsproxy", "tunnel"]) {
      await root.add(join(dist, `${program}${suffix}`), `/bin/${program}`);
    }
    const agent = await world.startAgent({ args: ["--hold"] }).announced();
    const inRoot = (program: string, ...args: string[]) => {
      const [first, ...rest] = [...emulator, `/bin/${program}`, ...args];
      return root.command(first!, rest, options);
    };
    const url = `${world.url}/client/${agent.id}`;
    const input = crypto.randomUUID().repeat(10_000);

    const proxyCommand = script(dir, ...inRoot("wsproxy", url));
    const destination = `${agent.username}@localhost`;
    const byWsproxy = [...world.sshOptions(agent, proxyCommand), destination, "cat; exit 3"];
    const { code, stdout, stderr } = await run("ssh", byWsproxy, { input });
    assert.deepEqual([code, stderr], [3, ""]);
    assert.ok(stdout === input);

    await using tunnel = new Program(...inRoot("tunnel", "0", url));
    const [, port] = await tunnel.waitFor(/127\.0\.0\.1:(\d+)/);
    const byTunnel = [...world.tunnelOptions(agent, Number(port)), destination, "cat; exit 3"];
    const second = await run("ssh", byTunnel, { input });
    assert.deepEqual([second.code, second.stderr], [3, ""]);
    assert.ok(second.stdout === input);

    const wrong = await run(...root.command(
      "/bin/sh",
      ["-c", `"$@" "$(printf '\\374')"`, "sh", ...emulator, "/bin/wsproxy"],
      options,
    ));
    assert.match(
      wrong.stderr,
      /^cannot start: an argument or this program's path is not valid UTF-8/,
    );
    assert.deepEqual(root.left(), []);
  });
}
