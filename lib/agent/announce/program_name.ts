import { basename, dirname } from "node:path";
import { quoteSh } from "../../../templates/assets/shared/quote.js";

/**
 * What people type in a shell of the job to call the agent's program again.
 *
 * @param executable its path; missing when it runs from its sources
 * @param cwd where shells start
 */
export function programName(executable: string | undefined, cwd: string): string {
  if (executable === undefined) return "agent";
  const name = basename(executable);
  if (dirname(executable) !== cwd) return quoteSh(executable);
  return Deno.build.os === "windows" ? `.\\${name}` : quoteSh(`./${name}`);
}
