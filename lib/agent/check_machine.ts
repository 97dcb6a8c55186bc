/** What of the agent will not work on this machine, found out at its start. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPty } from "../process/spawn.ts";
import { fileErrorReason } from "../text/file_error.ts";

/** What is written to see whether a file system is full. */
const PROBE = new Uint8Array(4096).fill(1);

/** Makes and removes a temporary file, as programs in sessions do. */
function checkTemporaryFiles(): void {
  const directory = Deno.makeTempDirSync({ dir: tmpdir(), prefix: "converge-" });
  try {
    Deno.writeFileSync(join(directory, "probe"), PROBE);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** A sentence, without its end, for each thing that will not work. */
export async function checkMachine(): Promise<string[]> {
  const notices: string[] = [];
  const check = async (what: string, how: () => void | Promise<void>) => {
    try {
      await how();
    } catch (error) {
      notices.push(`${what}: ${fileErrorReason(error, "no such directory")}`);
    }
  };
  await check("shells get no terminal, commands and SFTP work", checkPty);
  await check(`programs have no place for temporary files, "${tmpdir()}"`, checkTemporaryFiles);
  return notices;
}
