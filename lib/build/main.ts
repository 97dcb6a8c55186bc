/** `deno task build [options] [targets…]`, see docs/executables.md. */
import { join, resolve } from "node:path";
import { createCommand, parseCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage_error.ts";
import { runProgram } from "../program/program.ts";
import { build } from "./build.ts";
import { parseTarget, type Target, TARGETS } from "../dist/targets.ts";

interface Options {
  outDir: string;
}

const root = join(import.meta.dirname!, "..", "..");

await runProgram("build", async (args, signal) => {
  const command = createCommand("build", "Builds agent, wsproxy and tunnel: what changed of them.")
    .argument("[targets...]", `any of ${TARGETS.map(({ name }) => name).join(", ")} [all]`)
    .option("--out-dir <dir>", "where the files go", join(root, "dist"))
    .action(async (names: string[], { outDir }: Options) => {
      const targets = names.map(target);
      await build({
        root,
        out: resolve(outDir),
        work: join(root, ".build"),
        targets: targets.length > 0 ? targets : undefined,
        log: (line) => console.error(line),
        signal,
      });
    });
  await parseCommand(command, args);
});

function target(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
