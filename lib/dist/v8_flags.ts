import type { ProgramName } from "./targets.ts";

/**
 * V8's options for the programs that strangers reach. By itself V8 lets new objects take up to 64 MiB
 * before it looks which of them are garbage, as soon as there are many: 12 MiB are as fast here.
 */
const FLAGS = ["--max-semi-space-size=4"];

/** V8's options for a program, as in `deno run --v8-flags`. */
export function v8Flags(program: ProgramName): string[] {
  return program === "agent" || program === "server" ? FLAGS : [];
}
