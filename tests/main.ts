/**
 * `deno task test [arguments of deno test]`: runs the tests, and says at the end which were skipped
 * because a program is missing, and how to install it. With `CI=true` that fails.
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
  const lines = [`${skipped.length} tests were skipped, because a program is missing:`];
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

const file = await Deno.makeTempFile({ prefix: "converge-test-skipped-" });
// Ctrl-C reaches deno test as well, whose end is waited for.
Deno.addSignalListener("SIGINT", () => {});
try {
  const paths = Deno.args.some((argument) => existsSync(argument)) ? [] : ["tests"];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", ...paths, ...Deno.args],
    env: { [SKIPPED_FILE_VARIABLE]: file },
  }).spawn().status;
  const skipped: SkippedTest[] = Deno.readTextFileSync(file).trim().split("\n")
    .filter((line) => line !== "").map((line) => JSON.parse(line));
  if (skipped.length > 0) console.error(`\n${summary(skipped)}`);
  const fails = skipped.length > 0 && Deno.env.get("CI") === "true";
  if (fails) console.error("CI=true: this fails.");
  Deno.exitCode = code === 0 && fails ? 1 : code;
} finally {
  Deno.removeSync(file);
}
