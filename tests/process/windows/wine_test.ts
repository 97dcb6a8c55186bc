/** Runs the tests of programs on Windows under Wine, on Deno for Windows. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { requires } from "../../support/requires.ts";
import { windowsDeno, WineDirectory } from "../../support/wine.ts";
import { Program } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";

/** The files that the tests consist of; lib/process takes one from elsewhere on Windows. */
const FILES = ["lib/process", "tests/process/windows"].flatMap((directory) =>
  readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${directory}/${name}`)
).concat("lib/program/find_program.ts");

/** When the tests of one file must hang, in milliseconds; they take seconds. */
const LIMIT_MS = 300_000;

for (const part of ["process", "pty", "own_job"]) {
  const name = `windows/${part}_test.ts passes under Wine`;
  requires("wine")(name, async (t) => {
    await using directory = await WineDirectory.create();
    await directory.add(await windowsDeno());
    for (const file of FILES) await directory.add(join(ROOT, file), file);
    const [command, args] = directory.command("./deno.exe", [
      ...["test", "-A", "--no-check", "--no-config", "--junit-path=results.xml"],
      `tests/process/windows/${part}_test.ts`,
    ]);
    await using program = new Program(command, args);
    const timer = setTimeout(() => program.kill("SIGKILL"), LIMIT_MS);
    const { code, stdout, stderr } = await program.result();
    clearTimeout(timer);
    const results = await Deno.readTextFile(join(directory.path, "results.xml")).catch(() => "");
    for (const [, attributes, body] of results.matchAll(/<testcase ([^>]*)>(.*?)<\/testcase>/gs)) {
      await t.step({
        name: attributes!.match(/\bname="([^"]*)"/)![1]!.replaceAll("&apos;", "'"),
        ignore: body!.includes("<skipped"),
        fn: () => assert.ok(!body!.includes("<failure"), body),
      });
    }
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.equal((await directory.processes()).size, 0);
  });
}
