/** The key that resume secrets are issued with, kept over restarts in the state directory. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readFile } from "../files/read_file.ts";
import { createPrivateFile } from "../files/write_file.ts";
import { fileErrorReason } from "../text/file_error.ts";

const FILE = "resume.key";
const LENGTH = 32;

/**
 * Reads the key in a directory; makes both if they are missing, readable by their owner alone.
 *
 * @returns 32 bytes
 * @throws {Error} `cannot use --state-dir "dir": why`
 */
export async function loadResumeKey(dir: string): Promise<Uint8Array> {
  const path = join(dir, FILE);
  try {
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    const known = await Deno.lstat(path).catch(() => undefined); // If it matters, making fails too.
    if (known === undefined) await createPrivateFile(path, randomBytes(LENGTH));
    else if (!known.isFile || known.size !== LENGTH) {
      throw new Error(`${FILE} in it is not a valid key; delete it to get a new one`);
    }
    return await readFile(path, { maxBytes: LENGTH });
  } catch (cause) {
    throw new Error(`cannot use --state-dir "${dir}": ${fileErrorReason(cause)}`, { cause });
  }
}
