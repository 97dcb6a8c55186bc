/** `deno task test` on a machine where a program is missing. */
import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, TempDir } from "./support/program.ts";
import { ROOT } from "./support/root.ts";
import { Terminal } from "./support/terminal.ts";

const MAIN = join(ROOT, "tests/main.ts");

/** A test that needs ssh, and an environment in which no program is found. */
async function withoutPrograms() {
  const dir = new TempDir();
  const requires = new URL("support/requires.ts", import.meta.url);
  const file = join(dir.path, "one_test.ts");
  await Deno.writeTextFile(
    file,
    `import { requires } from "${requires}";\nrequires("ssh")("a login", () => {});\n`,
  );
  const args = ["run", "-A", "--no-check", MAIN, "--no-check", file];
  return {
    args,
    env: { PATH: dir.path, CI: "", NO_COLOR: "1" },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

Deno.test("tests that lack a program are named at the end, with what installs it", async () => {
  await using machine = await withoutPrograms();
  const { code, stderr } = await run(Deno.execPath(), machine.args, { env: machine.env });
  equal(code, 0, stderr);
  deepEqual(stderr.trim().split("\n").slice(-6), [
    "1 test was skipped, because a program is missing:",
    "  without ssh:",
    "    a login",
    "",
    "What they need is in Debian: openssh-client",
    "This installs all of it, on Debian and as root: tests/support/install",
  ]);
});

Deno.test("with CI=true a test that lacks a program fails", async () => {
  await using machine = await withoutPrograms();
  const env = { ...machine.env, CI: "true" };
  const { code, stderr } = await run(Deno.execPath(), machine.args, { env });
  equal(code, 1, stderr);
  match(stderr, /CI=true: this fails/);
});

Deno.test({
  name: "at a terminal root is asked whether to install what is missing, on Debian",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 || !existsSync("/etc/debian_version"),
  async fn() {
    await using machine = await withoutPrograms();
    await using terminal = new Terminal(Deno.execPath(), machine.args, { env: machine.env });
    await terminal.waitFor(/Install it now\? \[y\/N\]/);
    terminal.write("n\n");
    equal(await terminal.exited, 0);
  },
});
