/** How docs/operate starts the server: the systemd unit and the container. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Program, run, startEntry, TempDir } from "../support/program.ts";
import { adapt, operateFile, ROOT } from "./support.ts";
import { requires } from "../support/requires.ts";

/** The arguments of Deno in the unit. */
function unitArgs(): string[] {
  const [, line] = /^ExecStart=\S+\/deno (.+)$/m.exec(operateFile("converge.service")) ??
    assert.fail("no ExecStart");
  return line!.split(" ");
}

Deno.test("the command of the unit and the container gives the server all it needs", async () => {
  const [, entrypoint] = /^ENTRYPOINT (.+)$/m.exec(operateFile("Containerfile")) ??
    assert.fail("no ENTRYPOINT");
  assert.deepEqual(JSON.parse(entrypoint!), ["deno", ...unitArgs()]);
  await using dir = new TempDir();
  const files = { CONVERGE_STATIC_DIR: dir.path, CONVERGE_ADMIN_PASSWORD_FILE: "" };
  files.CONVERGE_ADMIN_PASSWORD_FILE = dir.write("password", "sesame\n");
  dir.write("agent", "an executable");
  const listen = ["--host", "127.0.0.1", "--port", "0", "--log-format", "json"];
  await using program = new Program(Deno.execPath(), [...unitArgs(), ...listen], {
    cwd: ROOT,
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

Deno.test("each variable of the unit, the container and the guide is one of the server", async () => {
  await using program = startEntry("server.ts", ["--help"]);
  const { stdout } = await program.result();
  const flags = new Set(stdout.match(/--[a-z-]+/g));
  const secrets: string[] = stdout.match(/CONVERGE_[A-Z_]+/g) ?? [];
  for (const name of ["converge.service", "Containerfile", "README.md"]) {
    for (const variable of operateFile(name).match(/\bCONVERGE_[A-Z_]+\b/g) ?? []) {
      const flag = `--${variable.slice("CONVERGE_".length).toLowerCase().replaceAll("_", "-")}`;
      assert.ok(flags.has(flag) || secrets.includes(variable), `${name}: ${variable}`);
    }
    for (const flag of operateFile(name).matchAll(/serve (?:.*\s)?(--[a-z-]+)/g)) {
      assert.ok(flags.has(flag[1]!), `${name}: ${flag[1]}`);
    }
  }
});

Deno.test("the container copies files that are there", () => {
  const copies = operateFile("Containerfile").matchAll(/^COPY (?!--)(.+) \S+$/gm);
  for (const name of Array.from(copies, ([, names]) => names!.split(" ")).flat()) {
    assert.ok(existsSync(join(ROOT, name)), name);
  }
});

requires("systemd-analyze")({
  name: "systemd finds no fault with the unit and calls it well protected",
  fn: async () => {
    await using dir = new TempDir();
    const text = adapt(operateFile("converge.service"), {
      "ExecStart=/usr/local/bin/deno": `ExecStart=${Deno.execPath()}`,
    });
    const unit = dir.write("converge.service", text);
    const verify = await run("systemd-analyze", ["verify", unit]);
    assert.equal(verify.stderr, "");
    assert.equal(verify.code, 0);
    // Of 100, which no protection at all would be.
    const args = ["security", "--offline=true", "--threshold=20", "--no-pager", unit];
    const security = await run("systemd-analyze", args);
    assert.equal(security.code, 0, security.stdout.slice(-300));
  },
});
