/** `wsproxy setup` and `wsproxy update`: what their options mean, and what they say. */
import { resolve } from "node:path";
import type { SetupFlags } from "../../cli/client_options.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { readCaFile } from "../../files/option_file.ts";
import { askUsername } from "../server_pages.ts";
import { setUp, type SetupContext, undoSetup } from "./setup.ts";
import { readSetup, setupFiles } from "./setup_record.ts";
import { updateProgram } from "./update.ts";

/** What the commands need besides. */
export interface CommandContext extends SetupContext {
  signal: AbortSignal;
}

/**
 * `wsproxy setup`.
 *
 * @throws {UsageError} for a URL that cannot be kept in a file
 * @throws {Error} if the server cannot be reached, or a file cannot be changed
 */
export async function setupCommand(
  server: URL | undefined,
  { suffix, caFile, undo }: SetupFlags,
  context: CommandContext,
): Promise<void> {
  if (undo) return await undoSetup(suffix, context);
  if (server === undefined) throw new UsageError("cannot set up: the server's URL is missing");
  if (server.username !== "" || server.password !== "") {
    throw new UsageError(
      "cannot set up a URL with a login: everybody on this machine could read it in ssh's command",
    );
  }
  const ca = caFile === undefined ? undefined : await readCaFile(caFile);
  const username = await askUsername({ server, ca, signal: context.signal });
  await setUp(suffix ?? "converge", {
    url: server.href.replace(/\/$/, ""),
    username,
    caFile: caFile === undefined ? undefined : resolve(caFile),
  }, context);
}

/**
 * `wsproxy update`.
 *
 * @throws {Error} if there is no server to ask, or as {@link updateProgram}
 */
export async function updateCommand(
  given: URL | undefined,
  options: { caFile?: string },
  { computer, program, print, signal }: CommandContext,
): Promise<void> {
  if (program.executable === undefined) {
    throw new Error("cannot update wsproxy: it runs from a script; download that again");
  }
  const { servers } = await readSetup(setupFiles(computer.home));
  const [known] = Object.values(servers);
  const url = given ?? (known && new URL(known.url));
  if (url === undefined) throw new UsageError("cannot update: no server is set up; name its URL");
  const caFile = options.caFile ?? (given === undefined ? known?.caFile : undefined);
  const ca = caFile === undefined ? undefined : await readCaFile(caFile);
  const updated = await updateProgram(program.executable, { server: url, ca, signal });
  print(`${program.executable}: ${updated ? "updated" : "up to date"}, from ${url.host}`);
}
