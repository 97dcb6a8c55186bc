/** The executables, for the tests that run them. */
import { join } from "node:path";
import { Program, type ProgramOptions } from "./program.ts";
import { ROOT } from "./root.ts";

/** Where the build keeps packages and runtimes. */
export const WORK: string = join(ROOT, ".build");

/** Starts the build of the project in `root`. */
export function startBuildProgram(
  args: string[],
  options: ProgramOptions & { root?: string } = {},
): Program {
  const main = join(options.root ?? ROOT, "lib", "build", "main.ts");
  return new Program(Deno.execPath(), ["run", "-A", "--no-check", main, ...args], options);
}

let built: Promise<string> | undefined;

/** Builds the executables, unless they are up to date. @returns the directory that they are in */
export function builtDist(): Promise<string> {
  return built ??= (async () => {
    await using program = startBuildProgram([]);
    const { code, stderr } = await program.result();
    if (code !== 0) throw new Error(`the build failed: ${stderr}`);
    return join(ROOT, "dist");
  })();
}
