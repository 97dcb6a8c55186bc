/** Builds beside a running server. */
import { join } from "node:path";
import type { Log } from "../log/log.ts";
import type { BuildState } from "../dist/build_state.ts";
import { errorMessage } from "../text/error_message.ts";
import { outdated } from "./output/freshness.ts";

export interface StartBuildOptions {
  /** Where the files go. */
  dir: string;
  log: Log;
  /** Ends the build. */
  signal?: AbortSignal;
  /** The project's directory. @default the one that this file is in */
  root?: string;
}

/** The lines of a program's output. */
async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/**
 * Builds what is missing or outdated, in a program of its own, so that the server goes on at full
 * speed. Returns at once; when there is nothing to do nothing is started.
 */
export function startBuild(options: StartBuildOptions): BuildState {
  const { dir, log, signal, root = join(import.meta.dirname!, "..", "..") } = options;
  const names = new Set(outdated(root, dir).map(({ name }) => name));
  const state: { -readonly [K in keyof BuildState]: BuildState[K] } = {
    status: names.size === 0 ? "ready" : "building",
    names,
    done: Promise.resolve(),
  };
  if (names.size === 0) return state;
  log.info("building", { files: names.size });
  state.done = runBuild(root, dir, log, signal).then((reason) => {
    state.status = reason === undefined ? "ready" : "failed";
    if (reason === undefined) return;
    state.reason = reason;
    if (!signal?.aborted) log.error("build failed", { reason });
  });
  return state;
}

/** Runs the build to its end; resolves to why it failed, or undefined. */
async function runBuild(
  root: string,
  dir: string,
  log: Log,
  signal?: AbortSignal,
): Promise<string | undefined> {
  // The server's secrets are in these variables.
  const env = Object.entries(Deno.env.toObject()).filter(([name]) => !/^CONVERGE_/.test(name));
  let last = "the build ended without a message";
  try {
    signal?.throwIfAborted();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(root, "lib", "build", "main.ts"), "--out-dir", dir],
      cwd: root,
      env: { ...Object.fromEntries(env), NO_COLOR: "1" },
      clearEnv: true,
      signal,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    for await (const line of lines(child.stderr)) {
      log.info("build", { line });
      last = line;
    }
    if ((await child.status).success) return undefined;
    signal?.throwIfAborted();
    return last.replace(/^build: /, "");
  } catch (error) {
    return signal?.aborted ? "the server is ending" : errorMessage(error);
  }
}
