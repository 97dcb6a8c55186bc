/** The build as people run it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startBuild } from "../../lib/build/background.ts";
import { outdated } from "../../lib/build/output/freshness.ts";
import { npmRuntime } from "../../lib/build/runtime/npm.ts";
import { parseTarget } from "../../lib/dist/targets.ts";
import { createLog } from "../../lib/log/log.ts";
import { TempDir } from "../support/program.ts";
import { checkSums, copyProject, linkDist, snapshot } from "./support.ts";
import { startBuildProgram, WORK } from "../support/dist.ts";

/** Sources and built files that a test may change; they go with its scope. */
async function workspace() {
  const { root, dist } = await snapshot();
  const dir = new TempDir();
  return {
    root: await copyProject(root, join(dir.path, "root")),
    out: await linkDist(dist, join(dir.path, "dist")),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

const quiet = createLog({ write: () => {} });

Deno.test("a build that is interrupted leaves the directory whole", async (t) => {
  await using project = await workspace();
  const { root, out } = project;
  const before = await Deno.readFile(join(out, "tunnel.js"));
  // As if all had been built from other sources.
  const manifest = JSON.parse(await Deno.readTextFile(join(out, ".build.json")));
  for (const file of Object.values<{ key: string }>(manifest.files)) file.key = "old";
  // Written again, as the link is the project's own.
  await Deno.remove(join(out, ".build.json"));
  await Deno.writeTextFile(join(out, ".build.json"), JSON.stringify(manifest));

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    await t.step(signal, async () => {
      await using build = startBuildProgram(["linux-x64", "--out-dir", out], { root });
      await build.waitFor(/the runtime is/);
      build.kill(signal);
      const result = await build.result();
      assert.notEqual(result.code, 0);
      if (signal === "SIGINT") {
        assert.match(result.stderr, /build: SIGINT\n$/);
        assert.ok(!existsSync(join(out, ".partial")));
      }
      await checkSums(out);
      assert.ok(existsSync(join(out, "agent")));
    });
  }
  assert.deepEqual(await Deno.readFile(join(out, "tunnel.js")), before);
});

Deno.test("only what changed is built", async (t) => {
  await using project = await workspace();
  const { root, out } = project;
  const build = async () => {
    const args = ["linux-x64", "--out-dir", out];
    await using program = startBuildProgram(args, { root });
    const { code, stderr } = await program.result();
    assert.equal(code, 0, stderr);
    return stderr;
  };

  await t.step("nothing, for the same sources elsewhere", async () => {
    assert.match(await build(), /^built 0 files in [\d.]+ s, 9 were up to date$/m);
  });

  await t.step("what imports a changed file", async () => {
    const file = join(root, "tunnel.ts");
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(
      file,
      `${source}\nif (Deno.args.length > 1000) console.log("many");\n`,
    );
    const output = await build();
    assert.match(
      output,
      /^building 3 of 9 files\ntunnel\.js: .*\ntunnel\.tgz: .*\n(.*\n)?tunnel: .*\nbuilt 3 files .*, 6 were up to date$/m,
    );
    await checkSums(out);
  });

  await t.step("nothing, for a comment", async () => {
    const file = join(root, "wsproxy.ts");
    await Deno.writeTextFile(file, `${await Deno.readTextFile(file)}\n// A remark.\n`);
    assert.match(await build(), /^built 0 files/m);
  });
});

Deno.test("a runtime of another Deno is noticed before anything is published", async () => {
  await using project = await workspace();
  const { root, out } = project;
  const runtime = await npmRuntime(parseTarget("linux-x64"), { work: WORK });
  await using build = startBuildProgram(["linux-x64", "--out-dir", out], {
    root,
    env: { DENORT_BIN: runtime },
  });
  const { code, stderr } = await build.result();
  assert.equal(code, 1);
  assert.match(stderr, /linux-x64: the runtime is DENORT_BIN, /);
  assert.match(
    stderr,
    /^build: cannot build agent: the compiled program does not run: .*; wsproxy: .*; tunnel: /m,
  );
  await checkSums(out);
});

Deno.test("a source that does not parse fails with one line, and nothing is touched", async () => {
  await using project = await workspace();
  const { root, out } = project;
  await Deno.writeTextFile(join(root, "tunnel.ts"), "const = 1;");
  await using build = startBuildProgram(["--out-dir", out], { root });
  const { code, stderr } = await build.result();
  assert.equal(code, 1);
  assert.match(stderr, /^build: cannot bundle "tunnel\.ts:1:7": Expected identifier .*\n$/m);
  await checkSums(out);
});

Deno.test("a second build waits for the first, and can be interrupted meanwhile", async () => {
  await using project = await workspace();
  const { root, out } = project;
  using lock = await Deno.open(join(WORK, "lock"), { write: true });
  await lock.lock(true);
  const args = ["linux-x64", "--out-dir", out];
  await using patient = startBuildProgram(args, { root });
  await patient.waitFor(/^waiting for another build to end$/m);
  await using impatient = startBuildProgram(args, { root });
  await impatient.waitFor(/^waiting for another build to end$/m);
  impatient.kill("SIGINT");
  assert.equal((await impatient.result()).code, 1);
  await lock.unlock();
  const { code, stderr } = await patient.result();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^built 0 files/m);
});

Deno.test("wrong use of the build is exit status 2", async () => {
  for (const args of [["amiga"], ["--out-dir"], ["--nonsense"]]) {
    await using build = startBuildProgram(args);
    const { code, stderr } = await build.result();
    assert.equal(code, 2);
    assert.match(stderr, /^build: .+\n$/);
  }
});

Deno.test("startBuild() starts nothing when all is up to date, and says so at once", async () => {
  const { root, dist } = await snapshot();
  const log = createLog({ write: (line) => assert.fail(line) });
  const state = startBuild({ dir: dist, root, log });
  assert.deepEqual([state.status, state.names.size], ["ready", 0]);
});

Deno.test("startBuild() builds beside its caller and then knows that all is there", async () => {
  await using project = await workspace();
  const { root, out } = project;
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const state = startBuild({ dir: out, root, log });
  assert.equal(state.status, "building");
  assert.ok(state.names.has("agent.exe"));
  await state.done;
  assert.deepEqual([state.status, state.reason], ["ready", undefined]);
  assert.ok(lines.some((line) => line.includes("built 0 files")), lines.join(""));
  assert.deepEqual(outdated(root, out), []);
});

Deno.test("startBuild() tells why it failed", async () => {
  await using project = await workspace();
  const { root } = project;
  const out = join(root, "elsewhere");
  await Deno.remove(join(root, "agent.ts"));
  const state = startBuild({ dir: out, root, log: quiet });
  await state.done;
  assert.equal(state.status, "failed");
  assert.match(state.reason ?? "", /agent\.ts/);
});

Deno.test("startBuild() ends the build with its signal", async () => {
  await using project = await workspace();
  const { root } = project;
  const out = join(root, "elsewhere");
  const ending = new AbortController();
  const started = Promise.withResolvers<void>();
  const log = createLog({ write: () => started.resolve() });
  const { signal } = ending;
  const state = startBuild({ dir: out, root, log, signal });
  await started.promise;
  ending.abort();
  await state.done;
  assert.deepEqual([state.status, state.reason], ["failed", "the server is ending"]);
});
