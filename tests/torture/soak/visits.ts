/** Ways to come and go, each from its beginning to its end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomBytes, succeed, writeSshConfig } from "../../support/clients.ts";
import { run, type TempDir } from "../../support/program.ts";
import type { Announced, World } from "../../support/world.ts";

/** Where the visitors go. */
export interface Place {
  world: World;
  agent: Announced;
  tunnelPort: number;
  /** For their files. */
  dir: TempDir;
}

const BYTES = randomBytes(200_000);

/** Arguments of ssh through the tunnel. */
function throughTunnel({ world, agent, tunnelPort }: Place): string[] {
  return [...world.tunnelOptions(agent, tunnelPort), `${agent.username}@127.0.0.1`];
}

/** Starts an HTTP request or a websocket and leaves in the middle of it. */
async function leave(place: Place, path: string, headers: string): Promise<void> {
  const { hostname, port } = new URL(place.world.http);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}`));
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/** Each resolves when the visitor has left. */
export const VISITS: Record<string, (place: Place) => Promise<void>> = {
  async shell({ world, agent }) {
    const { code, stdout, stderr } = await world.ssh(agent, ["-T"], { input: "echo $((6*7))\n" });
    assert.deepEqual([code, stdout], [0, "42\n"], stderr);
  },
  async command(place) {
    const { code, bytes, stderr } = await run("ssh", [...throughTunnel(place), "cat"], {
      input: BYTES,
    });
    assert.equal(code, 0, stderr);
    assert.ok(BYTES.every((byte, i) => byte === bytes[i]) && bytes.length === BYTES.length);
  },
  async terminal({ world, agent }) {
    const { code, stderr } = await world.ssh(agent, ["-tt", "sleep 0; stty size"]);
    assert.equal(code, 0, stderr);
  },
  async sftp({ world, agent, dir }) {
    const config = writeSshConfig(world, agent, [`ProxyCommand ${world.proxyCommand(agent.id)}`]);
    const near = dir.write("near", BYTES);
    const got = join(dir.path, "got");
    const input = `put ${near} far\nget far ${got}\nrm far\n`;
    const { code, stderr } = await run("sftp", ["-F", config, "-b", "-", "job"], { input });
    assert.equal(code, 0, stderr);
    assert.deepEqual(Deno.readFileSync(got), BYTES);
  },
  async forward(place) {
    const { host } = new URL(place.world.http);
    const input = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const args = ["-W", host, ...throughTunnel(place)];
    const { code, stdout, stderr } = await run("ssh", args, { input });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^HTTP\/1\.1 200 /);
  },
  async "lost in a transfer"({ world, agent }) {
    await using ssh = world.startSsh(agent, ["echo go; cat /dev/zero"]);
    await ssh.waitFor(/^go/);
    ssh.kill("SIGKILL");
    await ssh.result();
  },
  async "wrong key"({ world, agent, dir }) {
    const key = join(dir.path, "wrong");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key], { input: "n\n" });
    const options = world.sshOptions(agent).map((option) => option === world.key ? key : option);
    const { code } = await run("ssh", [
      ...options,
      "-oBatchMode=yes",
      `${agent.username}@localhost`,
      "true",
    ]);
    assert.equal(code, 255);
  },
  async "another agent"({ world }) {
    const agent = world.startAgent();
    await agent.announced();
    agent.program.kill("SIGTERM");
    await agent.program.result();
  },
  async pages({ world }) {
    const paths = ["", "usage", "sessions", "metrics", "static/style.css", "nothing"];
    await succeed("curl", ["-sS", ...paths.map((path) => `${world.http}/${path}`)]);
  },
  async "half a handshake"(place) {
    await leave(place, "/client/x", "Upgrade: webs");
    await leave(place, `/client/${place.agent.id}`, UPGRADE);
    await leave(place, "/client/x?wait=1m", UPGRADE);
    await leave(place, "/agent/x", UPGRADE);
  },
};
