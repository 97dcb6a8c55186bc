/**
 * cluster/compose.yml with podman-compose, in a network of its own: two nodes and Valkey behind
 * Caddy, each node restarted in its turn.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { linkOrCopy } from "../support/files.ts";
import { makeHome, writePrograms } from "../support/home.ts";
import { TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { CADDY_IMAGE, inPodman, PODMAN } from "./podman.ts";
import { adapt, operateFile } from "./support.ts";

/** Redis is what Valkey was made from, and what Debian has. */
const SCRIPT = `${CADDY_IMAGE}
image "$(command -v redis-server)" /usr/bin/valkey-server docker.io/valkey/valkey:8 < /dev/null
podman-compose -f docs/operate/cluster/compose.yml up -d
curl --retry 60 --retry-delay 1 --retry-all-errors -fsSk https://localhost/readyz
ca=$(podman volume inspect -f '{{.Mountpoint}}' cluster_certificates)/caddy/pki/authorities/local/root.crt
curl -sS --cacert "$ca" -o out -w '%{http_code}\\n' https://localhost/peer/agents >&4
# Until both nodes have settled, a newcomer does not get the ID that it asks for.
curl --retry 60 --retry-delay 1 --cacert "$ca" -sS -o out -w '%{http_code}\\n' \\
  https://localhost/client/job >&4
mkfifo said
agent --ca-file "$ca" --id job --hold --json --authorized-keys key.pub wss://localhost > said &
agent=$!
exec 5< said
read -r line <&5
echo "$line" | grep -o '"id":"job"' >&4
run() {
  ssh -o "ProxyCommand=wsproxy --ca-file $ca wss://localhost/client/job?wait=1m" converge@job "$1" >&4
}
run 'echo in'
for node in a b; do
  podman restart --time 60 "cluster_\${node}_1"
  run "echo without $node"
done
kill "$agent"
wait "$agent" || true
`;

requires(...PODMAN, "podman-compose", "caddy", "curl", "ssh", "redis-server")(
  "cluster/compose.yml runs two nodes behind Caddy, which restart in turn",
  async () => {
    await using dir = new TempDir();
    for (const name of ["dist", "docs/operate/cluster"]) {
      await Deno.mkdir(join(dir.path, name), { recursive: true });
    }
    await linkOrCopy(join(await builtDist(), "server"), join(dir.path, "dist/server"));
    dir.write("LICENSE", "terms");
    dir.write("docs/operate/Containerfile", operateFile("Containerfile"));
    dir.write("docs/operate/cluster/Caddyfile", operateFile("cluster/Caddyfile"));
    // A machine may not allow more open files than it has itself.
    const limits = { "  ulimits:\n    nofile: 65536\n": "" };
    const compose = adapt(operateFile("cluster/compose.yml"), limits);
    dir.write("docs/operate/cluster/compose.yml", compose);
    const { env, config } = await makeHome(dir);
    dir.write("config", `${config}StrictHostKeyChecking no\n`);
    writePrograms(dir, ["agent", "wsproxy"]);
    const { code, stdout, stderr } = await inPodman(dir, SCRIPT, {
      ...env,
      CONVERGE_SITE: "localhost",
      CONVERGE_PEER_KEY: "the key of the nodes of this test",
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '404\n404\n"id":"job"\nin\nwithout a\nwithout b\n');
  },
);
