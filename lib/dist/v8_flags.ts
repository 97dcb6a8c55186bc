import type { ProgramName } from "./targets.ts";

/**
 * V8's options for the programs that strangers reach. By itself V8 lets new objects take up to 64 MiB
 * before it looks which of them are garbage, as soon as there are many, and the others grow to up to four
 * times what is needed. 12 MiB and half as much again are as fast here.
 */
const FLAGS = ["--max-semi-space-size=4", "--heap-growing-percent=50"];

/**
 * Of the compiled server. Its messages lie outside of a heap that is small itself, and Deno 2.7 looks
 * for garbage after every 7 MB that it passes on, which is two fifths of its processor time. With this
 * it does so after 58.
 */
const COMPILED_SERVER = ["--initial-heap-size=64"];

/** The option of `deno run` and `deno compile` with V8's options for a program, if it has any. */
export function v8Flags(program: ProgramName, how: "run" | "compile"): string[] {
  if (program !== "agent" && program !== "server") return [];
  const more = program === "server" && how === "compile" ? COMPILED_SERVER : [];
  return [`--v8-flags=${[...FLAGS, ...more].join(",")}`];
}
