/** The newest OpenSSH client, in the directory that the script beside this file makes. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const SCRIPT = join(import.meta.dirname!, "openssh");
const ROOT = Deno.env.get("OPENSSH_ROOT") ?? "/opt/openssh-sid";

/** Whether the directory has not been made. */
export function newestSshMissing(): boolean {
  return !existsSync(join(ROOT, ".ready"));
}

/** The command and its arguments that run it. */
export function newestSsh(args: string[]): [string, string[]] {
  return [SCRIPT, ["ssh", ...args]];
}
