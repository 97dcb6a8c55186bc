/** How docs/operate starts the server: the systemd unit and the container. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { linkOrCopy } from "../support/files.ts";
import { Program, run, startEntry, TempDir } from "../support/program.ts";
import { adapt, operateFile, ROOT } from "./support.ts";
import { requires } from "../support/requires.ts";

Deno.test("the server that the unit and the container start has all it needs", async () => {
  assert.match(operateFile("converge.service"), /^ExecStart=\S+\/dist\/server$/m);
  assert.match(operateFile("Containerfile"), /^ENTRYPOINT \["\/server"\]$/m);
  await using dir = new TempDir();
  const files = { CONVERGE_STATIC_DIR: dir.path, CONVERGE_ADMIN_PASSWORD_FILE: "" };
  files.CONVERGE_ADMIN_PASSWORD_FILE = dir.write("password", "sesame\n");
  dir.write("agent", "an executable");
  const listen = ["--host", "127.0.0.1", "--port", "0", "--log-format", "json"];
  await using program = new Program(join(await builtDist(), "server"), listen, {
    cwd: dir.path,
    env: files,
  });
  const [line] = await program.waitFor(/^.*"event":"listening".*$/m);
  const { url } = JSON.parse(line);
  const headers = { authorization: `Basic ${btoa("admin:sesame")}` };
  for (
    const path of ["/usage", "/downloads", "/static/agent", "/static/browser/style.css", "/metrics"]
  ) {
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
  }
});

requires("buildah")("the container's image is built, and its server answers", async () => {
  await using dir = new TempDir();
  for (const name of ["dist", "docs/operate", "store", "run"]) {
    await Deno.mkdir(join(dir.path, name), { recursive: true });
  }
  await linkOrCopy(join(await builtDist(), "server"), join(dir.path, "dist/server"));
  dir.write("dist/agent", "an executable", 0o644);
  dir.write("LICENSE", "terms", 0o644);
  dir.write("docs/operate/Containerfile", operateFile("Containerfile"));
  const env = { BUILDAH_ISOLATION: "chroot" };
  const roots = ["--root", join(dir.path, "store"), "--runroot", join(dir.path, "run")];
  const store = ["--storage-driver", "vfs", ...roots];
  const buildah = async (...args: string[]) => {
    const { code, stdout, stderr } = await run("buildah", [...store, ...args], {
      cwd: dir.path,
      env,
    });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  await buildah("bud", "--quiet", "--tag", "converge", "--file", "docs/operate/Containerfile", ".");
  const container = await buildah("from", "localhost/converge");
  {
    const port = ["--env", "CONVERGE_PORT=0", "--env", "CONVERGE_HOST=127.0.0.1"];
    const args = [...store, "run", "--user", "65532:65532", ...port, container, "--", "/server"];
    await using server = new Program("buildah", args, { cwd: dir.path, env });
    const [, url] = await server.waitFor(/listening url=(\S+)/);
    assert.equal(await (await fetch(`${url}/healthz`)).text(), "ok\n");
    assert.equal(await (await fetch(`${url}/static/agent`)).text(), "an executable");
    // It passes the signal on, and leaves what it runs behind if it is killed.
    server.kill("SIGTERM");
    await server.result();
  }
  await buildah("rm", container);
});

Deno.test("each variable of the unit, the container and the guide is one of the server", async () => {
  await using program = startEntry("server.ts", ["--help"]);
  const { stdout } = await program.result();
  const flags = new Set(stdout.match(/--[a-z-]+/g));
  const secrets: string[] = stdout.match(/CONVERGE_[A-Z_]+/g) ?? [];
  const ofCompose = Array.from(
    operateFile("compose.yml").matchAll(/\$\{(CONVERGE_[A-Z_]+)/g),
    ([, name]) => name!,
  );
  for (const name of ["converge.service", "Containerfile", "README.md"]) {
    for (const variable of operateFile(name).match(/\bCONVERGE_[A-Z_]+\b/g) ?? []) {
      const flag = `--${variable.slice("CONVERGE_".length).toLowerCase().replaceAll("_", "-")}`;
      const isKnown = flags.has(flag) || [...secrets, ...ofCompose].includes(variable);
      assert.ok(isKnown, `${name}: ${variable}`);
    }
    for (const flag of operateFile(name).matchAll(/serve (?:.*\s)?(--[a-z-]+)/g)) {
      assert.ok(flags.has(flag[1]!), `${name}: ${flag[1]}`);
    }
  }
});

Deno.test("the container copies files that are there", () => {
  const copies = operateFile("Containerfile").matchAll(/^COPY (?:--\S+ )?(?!dist\/)(.+) \S+$/gm);
  for (const name of Array.from(copies, ([, names]) => names!.split(" ")).flat()) {
    assert.ok(existsSync(join(ROOT, name)), name);
  }
});

requires("systemd-analyze")({
  name: "systemd finds no fault with the unit and calls it well protected",
  fn: async () => {
    await using dir = new TempDir();
    const text = adapt(operateFile("converge.service"), {
      "ExecStart=/opt/converge/dist/server": `ExecStart=${Deno.execPath()}`,
    });
    const unit = dir.write("converge.service", text);
    // Under this name the guide has two of it.
    dir.write("converge@.service", text);
    for (const each of [unit, join(dir.path, "converge@a.service")]) {
      const verify = await run("systemd-analyze", ["verify", each]);
      assert.equal(verify.stderr, "");
      assert.equal(verify.code, 0);
    }
    // Of 100, which no protection at all would be.
    const args = ["security", "--offline=true", "--threshold=20", "--no-pager", unit];
    const security = await run("systemd-analyze", args);
    assert.equal(security.code, 0, security.stdout.slice(-300));
  },
});
