/** wsproxy and tunnel for Windows, under Wine: an ssh client that uses them as people do there. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { Program } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { WineDirectory } from "../support/wine.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "wine");

const name = "wsproxy.exe and tunnel.exe lead ssh to an agent under Wine";

test(name, async (t) => {
  await using world = await World.start();
  await using directory = await WineDirectory.create();
  const dist = await builtDist();
  for (const program of ["wsproxy.exe", "tunnel.exe"]) await directory.add(join(dist, program));
  const agent = await world.startAgent({ args: ["--hold"] }).announced();
  const url = `${world.url}/client/${agent.id}`;
  const bytes = new Uint8Array(randomBytes(1_000_000));

  /** Every byte in both directions, the end of the input, and the status. */
  const useSsh = async (...options: string[]) => {
    const result = await world.ssh(agent, [...options, "cat; exit 7"], { input: bytes });
    assert.equal(result.code, 7, result.stderr);
    assert.deepEqual(result.bytes, bytes);
  };

  await t.step("wsproxy", async () => {
    const [command, args] = directory.command("./wsproxy.exe", [url]);
    await useSsh(`-oProxyCommand=${[command, ...args].join(" ")}`);
  });

  await t.step("wsproxy tells why the server refuses it, and ends with 1", async () => {
    const nobody = `${world.url}/client/nobody`;
    await using program = new Program(...directory.command("./wsproxy.exe", [nobody]));
    const { code, stdout, stderr } = await program.result();
    assert.deepEqual([code, stdout], [1, ""]);
    // Wine at times adds a line of its own, on a thread that it lost at the end.
    assert.match(stderr, /^wsproxy: .*nobody.*\r?\n(wine: .*\n)*$/);
  });

  await t.step("tunnel", async () => {
    await using tunnel = new Program(...directory.command("./tunnel.exe", ["0", url]));
    const [, port] = await tunnel.waitFor(/listening on 127\.0\.0\.1:(\d+)/);
    await useSsh("-oProxyCommand=none", `-oPort=${port}`);
    await useSsh("-oProxyCommand=none", `-oPort=${port}`);
  });
});
