import assert from "node:assert/strict";
import { join } from "node:path";
import { runCommand } from "../../lib/build/command.ts";
import { createRuntimeFinder } from "../../lib/build/runtime/find.ts";
import {
  NPM_RUNTIME_VERSION,
  npmRuntime,
  PINNED_RUNTIMES,
  verifyRuntime,
} from "../../lib/build/runtime/npm.ts";
import { artifacts, parseTarget, PROGRAMS, TARGETS } from "../../lib/dist/targets.ts";
import { TempDir } from "../support/program.ts";
import { builtDist, WORK } from "../support/dist.ts";
import { ROOT } from "../support/root.ts";

const LINUX = parseTarget("linux-x64");
const WINDOWS = parseTarget("windows-x64");

/** Nothing listens there. */
const UNREACHABLE = "http://127.0.0.1:1";

/** A stand-in for Deno's download site that answers each request with `status`. */
function downloadSite(status: number) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return new Response(null, { status });
  });
  return {
    asked,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const ZIP = (triple: string) => `release/v${Deno.version.deno}/denort-${triple}.zip`;

Deno.test("the runtime is DENORT_BIN, for the platform that it is for", async () => {
  await builtDist();
  await using dir = new TempDir();
  await using site = downloadSite(200);
  const given = await npmRuntime(WINDOWS, { work: WORK });
  const env = { DENORT_BIN: given, DENO_DIR: dir.path };
  const find = createRuntimeFinder({ work: dir.path, env, downloadSite: site.url });
  const windows = await find(WINDOWS);
  assert.deepEqual([windows.deno, windows.env], [Deno.execPath(), { DENORT_BIN: given }]);
  assert.deepEqual(site.asked, []);
  const linux = await find(LINUX);
  assert.deepEqual(linux.env, { DENORT_BIN: undefined });
  assert.match(linux.origin, /download site/);
});

Deno.test("a DENORT_BIN that cannot be read ends the search", async () => {
  await using work = new TempDir();
  const env = { DENORT_BIN: join(work.path, "missing") };
  const find = createRuntimeFinder({ work: work.path, env, downloadSite: UNREACHABLE });
  await assert.rejects(find(LINUX), /cannot read DENORT_BIN ".*missing"/);
});

Deno.test("the runtime in Deno's cache comes before the download site", async () => {
  await using dir = new TempDir();
  await using site = downloadSite(200);
  await Deno.mkdir(join(dir.path, "dl", "release", `v${Deno.version.deno}`), { recursive: true });
  dir.write(join("dl", ZIP(LINUX.triple)), "zip");
  const env = { DENO_DIR: dir.path };
  const find = createRuntimeFinder({ work: dir.path, env, downloadSite: site.url });
  const runtime = await find(LINUX);
  assert.equal(runtime.origin, `Deno ${Deno.version.deno}, in Deno's cache`);
  assert.equal(runtime.deno, Deno.execPath());
  assert.deepEqual(site.asked, []);
});

Deno.test("the runtime comes from the download site where that has it", async () => {
  await using dir = new TempDir();
  await using site = downloadSite(200);
  const env = { DENO_DIR: dir.path };
  const find = createRuntimeFinder({ work: dir.path, env, downloadSite: site.url });
  const runtime = await find(LINUX);
  assert.equal(runtime.origin, `Deno ${Deno.version.deno}, from Deno's download site`);
  assert.deepEqual(site.asked, [`HEAD /${ZIP(LINUX.triple)}`]);
});

Deno.test("the runtime comes out of the npm registry where the site is out of reach", async () => {
  await builtDist();
  for (const target of [LINUX, WINDOWS]) {
    const find = createRuntimeFinder({ work: WORK, downloadSite: UNREACHABLE });
    const runtime = await find(target);
    const file = runtime.env.DENORT_BIN!;
    assert.equal((await Deno.stat(file)).size, PINNED_RUNTIMES[target.name]!.size);
    assert.match(
      runtime.origin,
      /^Deno 2\.7\.11, out of the npm registry: Deno's download site cannot be reached$/,
    );
    const { stdout } = await new Deno.Command(runtime.deno, { args: ["--version"] }).output();
    assert.match(new TextDecoder().decode(stdout), /^deno 2\.7\.11 /);
  }
});

Deno.test("a runtime that is not the pinned one is refused", async () => {
  await using work = new TempDir();
  await Deno.mkdir(join(work.path, "runtime"));
  const name = `denort-${NPM_RUNTIME_VERSION}-linux-x64`;
  work.write(join("runtime", name), "corrupted");
  const find = createRuntimeFinder({ work: work.path, downloadSite: UNREACHABLE });
  await assert.rejects(
    find(LINUX),
    (error: Error) =>
      /cannot get the runtime for linux-x64: Deno's download site cannot be reached/
        .test(error.message) &&
      /cannot trust the runtime ".*": it has 9 bytes and SHA-256 [0-9a-f]{64}, but must have/
        .test(error.message) &&
      /delete it and build again$/.test(error.message),
  );
});

Deno.test("a runtime with one byte changed is refused", async () => {
  await builtDist();
  const runtime = await Deno.readFile(await npmRuntime(LINUX, { work: WORK }));
  const pin = PINNED_RUNTIMES[LINUX.name]!;
  verifyRuntime(runtime, pin, "denort");
  runtime[1_000_000]! ^= 1;
  assert.throws(() => verifyRuntime(runtime, pin, "denort"), /cannot trust the runtime "denort"/);
});

Deno.test("what is compiled with a runtime gives it back unchanged", async () => {
  await using dir = new TempDir();
  const main = dir.write("main.js", "");
  for (const target of [LINUX, WINDOWS]) {
    const runtime = await createRuntimeFinder({ work: WORK })(target);
    if (!runtime.env.DENORT_BIN?.startsWith(WORK)) {
      console.error(`skipped for ${target.name}: the runtime is ${runtime.origin}`);
      continue;
    }
    const pin = PINNED_RUNTIMES[target.name]!;
    const program = join(dir.path, `program-${target.name}.exe`);
    const args = ["compile", "--quiet", "--no-check", "--target", target.triple];
    await runCommand(runtime.deno, [...args, "--output", program, main], {
      cwd: dir.path,
      env: runtime.env,
    });
    verifyRuntime(pin.extract(await Deno.readFile(program)), pin, program);
  }
});

Deno.test("each target has a pinned runtime, and each package of one is pinned by the lock", async () => {
  const dir = join(ROOT, "lib", "build", "runtime", "npm");
  const { imports } = JSON.parse(await Deno.readTextFile(join(dir, "deno.json")));
  const lock = JSON.parse(await Deno.readTextFile(join(dir, "deno.lock")));
  for (const { name } of TARGETS) {
    assert.match(PINNED_RUNTIMES[name]!.sha256, /^[0-9a-f]{64}$/);
    const pinned = imports[name].replace(/^npm:/, "");
    assert.match(lock.npm[pinned].integrity, /^sha512-/);
  }
});

Deno.test("artifacts() names the files as people download them", () => {
  assert.deepEqual(artifacts(TARGETS).slice(0, 12).map(({ name }) => name), [
    ...["agent.js", "wsproxy.js", "tunnel.js", "wsproxy.tgz", "tunnel.tgz"],
    ...["agent", "wsproxy", "tunnel", "server"],
    ...["agent.exe", "wsproxy.exe", "tunnel.exe"],
  ]);
  const all = artifacts(TARGETS).map(({ name }) => name);
  for (const platform of ["linux-arm64", "darwin-arm64", "darwin-x64"]) {
    for (const program of PROGRAMS) assert.ok(all.includes(`${program}-${platform}`));
  }
  assert.deepEqual(all.filter((name) => name.startsWith("server")), [
    "server",
    "server-linux-arm64",
  ]);
});

Deno.test("parseTarget() takes names and triples and lists them otherwise", () => {
  assert.equal(parseTarget("aarch64-apple-darwin").name, "darwin-arm64");
  assert.throws(() => parseTarget("amiga"), /"amiga" is not one of linux-x64, windows-x64,/);
});
