/** The files that people download, run on machines as theirs. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { NODE_PROGRAMS, PROGRAMS } from "../../lib/dist/targets.ts";
import { CIPHERS } from "../../lib/ssh/transport/ciphers/ciphers.ts";
import { serveStatic } from "../../lib/server/http/static_files.ts";
import { VERSION } from "../../lib/dist/version.ts";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startTestServer } from "../support/server.ts";
import { WineDirectory } from "../support/wine.ts";
import { World } from "../support/world.ts";
import { checkSums, snapshot } from "./support.ts";

/** Where no server is: an agent tries again and again. */
const NO_SERVER = "ws://127.0.0.1:9";

const LINUX_X64 = Deno.build.target === "x86_64-unknown-linux-gnu";

/** Runs a program as on a machine that has nothing. */
async function runBare(file: string, args: string[]) {
  await using home = new TempDir();
  const variables = [`HOME=${home.path}`, "PATH=/nonexistent"];
  return await run("env", ["-i", ...variables, file, ...args], { cwd: home.path });
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

async function startStatic() {
  const { dist } = await snapshot();
  return await startTestServer({}, {
    staticFiles: (request, name) => serveStatic(request, name, { dirs: [dist] }),
  });
}

Deno.test({
  name: "the executables for Linux run on a machine without Deno",
  ignore: !LINUX_X64,
  async fn() {
    const { dist } = await snapshot();
    for (const program of PROGRAMS) {
      const { code, stdout, stderr } = await runBare(join(dist, program), ["--version"]);
      assert.deepEqual([code, stdout, stderr], [0, `${VERSION}\n`, ""]);
    }
  },
});

Deno.test({
  name: "wsproxy without Deno tells why a server refuses it",
  ignore: !LINUX_X64,
  async fn() {
    const { dist } = await snapshot();
    await using server = await startTestServer();
    const { code, stdout, stderr } = await runBare(join(dist, "wsproxy"), [
      `${server.ws}/client/nobody`,
    ]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^wsproxy: .*nobody.*\n$/);
  },
});

requires("wine")({
  name: "the executables for Windows run under Wine",
  async fn() {
    const { dist } = await snapshot();
    await using directory = await WineDirectory.create();
    for (const program of PROGRAMS) {
      await directory.add(join(dist, `${program}.exe`));
      const [command, args] = directory.command(`./${program}.exe`, ["--version"]);
      const { code, stdout, stderr } = await run(command, args);
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim(), VERSION);
    }
  },
});

Deno.test("the bundles run with Deno, from a server", async () => {
  await using server = await startStatic();
  await using home = new TempDir();
  for (const program of PROGRAMS) {
    const url = `${server.url}/static/${program}.js`;
    const args = ["run", "-A", "--quiet", `--reload=${server.url}`, url, "--version"];
    const { code, stdout, stderr } = await run(Deno.execPath(), args, { cwd: home.path });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${VERSION}\n`);
  }
});

requires("npm")("the npm packages put wsproxy and tunnel on PATH, for Node", async () => {
  const { dist } = await snapshot();
  await using home = new TempDir();
  const env = { npm_config_prefix: home.path, npm_config_cache: join(home.path, "cache") };
  for (const program of NODE_PROGRAMS) {
    const file = join(dist, `${program}.tgz`);
    const options = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier"];
    const install = await run("npm", ["install", "-g", ...options, file], { env });
    assert.equal(install.code, 0, install.stderr);
    const { code, stdout, stderr } = await run(join(home.path, "bin", program), ["--version"]);
    assert.deepEqual([code, stdout, stderr], [0, `${VERSION}\n`, ""]);
  }
});

Deno.test({
  name: "the agent for Linux has native ciphers, and needs no directory for temporary files",
  ignore: !LINUX_X64,
  async fn() {
    const { dist } = await snapshot();
    await using home = new TempDir();
    const env = { TMPDIR: "/nonexistent", HOME: home.path };
    await using agent = new Program(join(dist, "agent"), [NO_SERVER], { cwd: home.path, env });
    await agent.waitFor(/ciphers native=true/);
  },
});

requires("ssh")({
  name: "the agent for Linux speaks every cipher with ssh",
  ignore: !LINUX_X64,
  async fn() {
    const { dist } = await snapshot();
    await using world = await World.start();
    await using home = new TempDir();
    home.write(".authorized_keys", world.publicKey);
    const args = ["--json", world.url];
    await using program = new Program(join(dist, "agent"), args, { cwd: home.path });
    const agent = JSON.parse((await program.waitFor(/^\{.*\}$/m))[0]);
    for (const cipher of Object.keys(CIPHERS)) {
      const { stdout, stderr } = await world.ssh(agent, [`-oCiphers=${cipher}`, "echo hello"]);
      assert.equal(stdout, "hello\n", `${cipher}: ${stderr}`);
    }
  },
});

requires("wine")("the agent for Windows has native ciphers", async () => {
  const { dist } = await snapshot();
  await using directory = await WineDirectory.create();
  await directory.add(join(dist, "agent.exe"));
  await using agent = new Program(...directory.command("./agent.exe", [NO_SERVER]));
  await agent.waitFor(/ciphers native=true/);
});

Deno.test("each executable holds no more permissions than its program needs", async () => {
  const { dist } = await snapshot();
  const permissions = async (name: string): Promise<Record<string, unknown>> => {
    // What deno compile adds comes last; the permissions are in its metadata.
    const bytes = await Deno.readFile(join(dist, name));
    const tail = new TextDecoder("latin1").decode(bytes.subarray(-2_000_000));
    return JSON.parse(tail.match(/"permissions":(\{[^}]*\})/)![1]!);
  };
  for (const name of ["wsproxy", "tunnel", "wsproxy.exe", "tunnel.exe"]) {
    // An empty list is everything.
    const { prompt, deny_import, allow_import: _, ...rest } = await permissions(name);
    assert.deepEqual([prompt, deny_import], [false, []]);
    const allowed = Object.entries(rest).filter(([, value]) => value !== null);
    // wsproxy sets ssh up, and updates itself.
    const more = name.startsWith("wsproxy") ? [["allow_write", []]] : [];
    assert.deepEqual(allowed, [["allow_env", []], ["allow_net", []], ["allow_read", []], ...more]);
  }
  assert.equal((await permissions("agent")).prompt, false);
});

requires("zstd")("the compressed copies are the files, and all fits its checksum", async () => {
  const { dist } = await snapshot();
  await checkSums(dist);
  for (const name of ["agent", "tunnel.exe", "wsproxy.js"]) {
    for (const [tool, suffix] of [["gzip", ".gz"], ["zstd", ".zst"]]) {
      const command = `${tool} -dc "$1" | cmp - "$2"`;
      const file = join(dist, name);
      const { code, stdout } = await run("sh", ["-c", command, "sh", file + suffix, file]);
      assert.equal(code, 0, stdout);
    }
  }
});

requires("curl")("curl downloads the agent as built, compressed or not, and resumes", async () => {
  const { dist } = await snapshot();
  const expected = await sha256(join(dist, "agent"));
  const sums = await Deno.readTextFile(join(dist, "SHA256SUMS"));
  assert.ok(sums.includes(`${expected}  agent\n`));
  await using server = await startStatic();
  await using dir = new TempDir();
  const file = join(dir.path, "agent");
  const url = `${server.url}/static/agent`;
  const download = async (...args: string[]) => {
    const { code, stderr } = await run("curl", ["-sS", ...args, "-o", file, url]);
    assert.equal(code, 0, stderr);
    assert.equal(await sha256(file), expected);
  };
  await download();
  await download("--compressed");
  await download("--compressed", "-H", "Accept-Encoding: gzip");
  await Deno.truncate(file, 12_345_678);
  await download("-C", "-");
});

Deno.test("the compressed agent is a download of less than 40 MB", async () => {
  const { dist } = await snapshot();
  for (const name of ["agent.gz", "agent.zst", "agent.exe.gz", "agent.exe.zst"]) {
    assert.ok((await Deno.stat(join(dist, name))).size < 40e6, name);
  }
});

Deno.test({
  name: "wsproxy without Deno sets itself up, replaces itself, and undoes it all",
  ignore: !LINUX_X64,
  async fn() {
    const { dist } = await snapshot();
    await using files = new TempDir();
    await using server = await startTestServer({}, {
      pages: () => Response.json({ username: "converge" }),
      staticFiles: (request, name) => serveStatic(request, name, { dirs: [files.path] }),
    });
    await using home = new TempDir();
    const wsproxy = join(home.path, ".local/bin/wsproxy");
    const runAtHome = async (program: string, ...args: string[]) => {
      const { code, stdout, stderr } = await run(
        "env",
        ["-i", `HOME=${home.path}`, "PATH=/usr/bin:/bin", program, ...args],
      );
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.match(
      await runAtHome(join(dist, "wsproxy"), "setup", server.url),
      /\/\.local\/bin\/wsproxy: copied\n/,
    );
    assert.equal(await runAtHome(wsproxy, "--version"), `${VERSION}\n`);
    const config = await Deno.readTextFile(join(home.path, ".ssh/converge/config"));
    assert.ok(config.includes(`ProxyCommand ${wsproxy} --known-hosts `), config);

    const { hash, text } = { hash: await sha256(wsproxy), text: "#!/bin/sh\necho new\n" };
    files.write("SHA256SUMS", `${hash}  wsproxy\n`);
    assert.match(await runAtHome(wsproxy, "update"), /: up to date, from /);
    const file = files.write("wsproxy", text);
    files.write("SHA256SUMS", `${await sha256(file)}  wsproxy\n`);
    assert.match(await runAtHome(wsproxy, "update"), /: updated, from /);
    assert.equal(await runAtHome(wsproxy), "new\n");
    await runAtHome(join(dist, "wsproxy"), "setup", "--undo");
    assert.deepEqual([...Deno.readDirSync(home.path)], []);
  },
});
