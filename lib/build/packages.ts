import { createHash } from "node:crypto";
import { join } from "node:path";
import { errorMessage } from "../text/error_message.ts";
import { runCommand } from "./command.ts";

export interface InstallOptions {
  /** A lock file of Deno that pins the packages. */
  lockFile: string | URL;
  signal?: AbortSignal;
}

/**
 * Installs npm packages into `dir`/node_modules, unless they are there.
 *
 * @param imports names with their `npm:` specifiers, as in deno.json
 * @throws {Error} if that fails
 */
export async function installPackages(
  dir: string,
  imports: Record<string, string>,
  { lockFile, signal }: InstallOptions,
): Promise<void> {
  const lock = await Deno.readTextFile(lockFile);
  // A workspace of its own: it may lie inside the project's.
  const config = JSON.stringify({ nodeModulesDir: "auto", workspace: [], imports });
  const stamp = createHash("sha256").update(config).update(lock).digest("hex");
  const stampFile = join(dir, ".installed");
  if (await Deno.readTextFile(stampFile).catch(() => "") === stamp) return;
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(join(dir, "deno.json"), config);
  await Deno.writeTextFile(join(dir, "deno.lock"), lock);
  try {
    await runCommand(Deno.execPath(), ["install", "--quiet"], { cwd: dir, signal });
  } catch (cause) {
    const names = Object.values(imports).join(", ");
    throw new Error(`cannot install ${names}: ${errorMessage(cause)}`, { cause });
  }
  await Deno.writeTextFile(stampFile, stamp);
}
