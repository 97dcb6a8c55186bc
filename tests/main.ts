/**
 * `deno task test [arguments of deno test]`: runs the tests, and says at the end which were skipped
 * because a program is missing, and how to install it; at a terminal it offers to do so, on Debian
 * and as root. With `CI=true` a skipped test fails.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SKIPPED_FILE_VARIABLE, type SkippedTest } from "./support/requires.ts";
import { ROOT } from "./support/root.ts";

/** The Debian package of a program, from packages.txt. */
function packageOf(program: string): string {
  const list = readFileSync(join(ROOT, "tests/support/packages.txt"), "utf8");
  return list.split("\n").map((line) => line.replace(/#.*/, "").split(/[\s=]+/))
    .find(([, name]) => name === program)?.[0] ?? program;
}

/** What is said of the tests that were skipped. */
function summary(skipped: SkippedTest[]): string {
  const count = skipped.length === 1 ? "1 test was" : `${skipped.length} tests were`;
  const lines = [`${count} skipped, because a program is missing:`];
  for (const [missing, tests] of Map.groupBy(skipped, ({ missing }) => missing.join(", "))) {
    lines.push(`  without ${missing}:`, ...tests.map(({ name }) => `    ${name}`));
  }
  const packages = [...new Set(skipped.flatMap(({ missing }) => missing.map(packageOf)))];
  return [
    ...lines,
    "",
    `What they need is in Debian: ${packages.join(" ")}`,
    "This installs all of it, on Debian and as root: tests/support/install",
  ].join("\n");
}

const INSTALL = join(ROOT, "tests/support/install");

/** Whether a person is there to ask, on a machine where {@link INSTALL} works. */
function canInstall(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal() && Deno.env.get("CI") !== "true" &&
    Deno.build.os === "linux" && Deno.uid() === 0 && existsSync("/etc/debian_version");
}

/** Runs the tests. @returns the exit status of `deno test`, and what was skipped */
async function runTests(): Promise<{ code: number; skipped: SkippedTest[] }> {
  const file = await Deno.makeTempFile({ prefix: "converge-test-skipped-" });
  // Ctrl-C reaches deno test as well, whose end is waited for.
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    const paths = Deno.args.some((argument) => existsSync(argument)) ? [] : ["tests"];
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--parallel", ...paths, ...Deno.args],
      env: { [SKIPPED_FILE_VARIABLE]: file },
    }).spawn().status;
    const skipped: SkippedTest[] = Deno.readTextFileSync(file).trim().split("\n")
      .filter((line) => line !== "").map((line) => JSON.parse(line));
    return { code, skipped };
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    Deno.removeSync(file);
  }
}

const { code, skipped } = await runTests();
Deno.exitCode = code;
if (skipped.length > 0) {
  console.error(`\n${summary(skipped)}`);
  if (Deno.env.get("CI") === "true") {
    console.error("CI=true: this fails.");
    Deno.exitCode ||= 1;
  } else if (canInstall() && confirm("Install it now?")) {
    const { success } = await new Deno.Command(INSTALL).spawn().status;
    if (success) console.error("Installed. Run the tests again.");
    else Deno.exitCode ||= 1;
  }
}
