/**
 * compose.yml with podman-compose, in a network of its own: the image that it builds, Caddy with a
 * certificate of its own CA, an agent that trusts that, and a person who comes through the jump host.
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

const SCRIPT = `${CADDY_IMAGE}podman-compose -f docs/operate/compose.yml up -d
curl --retry 60 --retry-delay 1 --retry-all-errors -fsSk https://localhost/readyz
ca=$(podman volume inspect -f '{{.Mountpoint}}' operate_certificates)/caddy/pki/authorities/local/root.crt
curl -fsS --cacert "$ca" https://localhost/usage | grep -o 'wss://localhost' | head -1 >&4
curl -sS --cacert "$ca" -o out -w '%{http_code}\\n' https://localhost/metrics >&4
curl -sS -o out -w '%{redirect_url}\\n' http://localhost/usage >&4
mkfifo said
agent --ca-file "$ca" --id job --json --authorized-keys key.pub wss://localhost > said &
agent=$!
read -r line < said
ssh -J localhost:2222 converge@job 'echo in' >&4
kill "$agent"
wait "$agent" || true
`;

requires(...PODMAN, "podman-compose", "caddy", "curl", "ssh")(
  "compose.yml runs the server behind Caddy, with certificates and the jump host",
  async () => {
    await using dir = new TempDir();
    for (const name of ["dist", "docs/operate"]) {
      await Deno.mkdir(join(dir.path, name), { recursive: true });
    }
    await linkOrCopy(join(await builtDist(), "server"), join(dir.path, "dist/server"));
    dir.write("dist/agent", "an executable");
    dir.write("LICENSE", "terms");
    for (const name of ["Containerfile", "Caddyfile"]) {
      dir.write(`docs/operate/${name}`, operateFile(name));
    }
    // A machine may not allow more open files than it has itself.
    const limits = { "    ulimits:\n      nofile: 65536\n": "" };
    dir.write("docs/operate/compose.yml", adapt(operateFile("compose.yml"), limits));
    const { env, config } = await makeHome(dir);
    dir.write("config", `${config}StrictHostKeyChecking no\n`);
    writePrograms(dir, ["agent"]);
    const { code, stdout, stderr } = await inPodman(dir, SCRIPT, {
      ...{ ...env, CONVERGE_SITE: "localhost", CONVERGE_ADMIN_PASSWORD: "sesame" },
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "wss://localhost\n401\nhttps://localhost/usage\nin\n");
  },
);
