/** Clients that open many connections at once, and what is seen of the limit to them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { World } from "../../support/world.ts";

requires("rclone")("rclone lists with 40 checkers", async () => {
  await using world = await World.start();
  await using local = new TempDir();
  const agent = world.startAgent();
  const announced = await agent.announced();
  const [, port] = await world.startTunnel(announced.id).waitFor(/listening on .*:(\d+)/);
  const files: string[] = [];
  for (let i = 0; i < 100; i++) {
    Deno.mkdirSync(join(agent.dir.path, `d${i}/e`), { recursive: true });
    agent.dir.write(`d${i}/e/f`, `${i}`);
    files.push(`d${i}/e/f`);
  }
  const remote = `:sftp,host=127.0.0.1,port=${port},user=${announced.username},` +
    `key_file="${world.key}",shell_type=none:`;
  const rclone = (...args: string[]) =>
    run("rclone", ["--config", "/dev/null", "--retries", "1", "--checkers", "40", ...args]);
  const listing = await rclone("lsf", "-R", "--files-only", "--include", "d*/**", remote);
  assert.deepEqual(listing.stdout.trim().split("\n").sort(), files.sort(), listing.stderr);
  const copy = await rclone("copy", "--transfers", "8", "--include", "d*/**", remote, local.path);
  assert.equal(copy.code, 0, copy.stderr);
  assert.equal(Deno.readTextFileSync(join(local.path, "d7/e/f")), "7");
});

requires("ssh")("a client too many sees the reason, through wsproxy and tunnel", async () => {
  await using world = await World.start(["--max-clients-per-agent", "1"]);
  const announced = await world.startAgent({ args: ["--hold"] }).announced();
  await using first = world.startSsh(announced, ["echo here; cat"], { interactive: true });
  await first.waitFor(/here/);
  const reason = new RegExp(`the agent "${announced.id}" already has 1 clients: close one`);

  const wsproxy = await world.ssh(announced, ["true"]);
  assert.equal(wsproxy.code, 255);
  assert.match(wsproxy.stderr, reason);

  const [, port] = await world.startTunnel(announced.id).waitFor(/listening on .*:(\d+)/);
  const tunnel = await world.ssh(announced, ["-oProxyCommand=none", `-p${port}`, "true"]);
  assert.equal(tunnel.code, 255);
  assert.match(tunnel.stderr, /^Received disconnect from 127\.0\.0\.1 port \d+:12: /);
  assert.match(tunnel.stderr, reason);

  first.kill();
});

requires("rclone")("rclone shows the reason too", async () => {
  await using world = await World.start();
  await using tunnel = world.startTunnel("nobody");
  const [, port] = await tunnel.waitFor(/listening on .*:(\d+)/);
  const remote = `:sftp,host=127.0.0.1,port=${port},user=x,key_file="${world.key}":`;
  await using rclone = new Program("rclone", [
    ...["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1", "lsf", remote],
  ]);
  assert.match((await rclone.result()).stderr, /no agent "nobody" is registered here/);
});
