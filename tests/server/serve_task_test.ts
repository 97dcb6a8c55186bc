/** `deno task serve`, which builds beside serving. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { commandLines } from "../support/processes.ts";
import { Program, run, startEntry, TempDir } from "../support/program.ts";
import { startTestServer } from "../support/server.ts";
import { ROOT } from "../support/root.ts";

/** Resolves when no process has `dir` in its arguments any more. */
async function buildEnded(dir: TempDir): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (!(await commandLines()).some((line) => line.includes(dir.path))) return;
  }
  assert.fail("the build goes on");
}

const windows = Deno.build.os === "windows";

Deno.test({
  name: "deno task serve has pages and pairing up at once, and says what is still being built",
  // The signal would not reach the server through the task.
  ignore: windows,
  fn: async () => {
    await using dir = new TempDir();
    const args = ["--host", "127.0.0.1", "--port", "0", "--static-dir", dir.path];
    await using program = new Program(
      Deno.execPath(),
      ["task", "serve", ...args, "--log-format", "json"],
      { cwd: ROOT },
    );
    const [line] = await program.waitFor(/^.*"event":"listening".*$/m);
    const { url } = JSON.parse(line);
    const get = async (path: string): Promise<[number, string]> => {
      const response = await fetch(url + path);
      return [response.status, await response.text()];
    };
    assert.equal((await get("/usage"))[0], 200);
    assert.deepEqual(await get("/readyz"), [200, "ready\n"]);
    const [status, script] = await get("/static/agent");
    assert.equal(status, 503);
    dir.write("agent", script);
    const { code, stderr } = await run("sh", [join(dir.path, "agent")]);
    assert.equal(code, 1);
    assert.match(stderr, /^agent: still being built: try again in \d+ seconds\n$/);
    assert.match((await get("/downloads"))[1], /still being built/);
    await program.waitFor(/"event":"building"/);
    program.kill("SIGTERM");
    await program.result();
    await buildEnded(dir);
  },
});

Deno.test("a server that cannot start leaves no build behind", { ignore: windows }, async () => {
  await using dir = new TempDir();
  await using other = await startTestServer();
  const args = ["--host", "127.0.0.1", "--port", `${other.port}`, "--static-dir", dir.path];
  await using program = startEntry("server.ts", [...args, "--build"]);
  const { code, stderr } = await program.result();
  assert.equal(code, 1);
  assert.match(stderr, /building[\s\S]*the port is in use/);
  await buildEnded(dir);
});
