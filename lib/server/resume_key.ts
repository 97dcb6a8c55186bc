/** The key that resume secrets are issued with, kept over restarts in the state directory. */
import { randomBytes } from "node:crypto";
import { linkSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileErrorReason } from "../text/file_error.ts";

const FILE = "resume.key";
const LENGTH = 32;

/**
 * Reads the key in a directory; makes both if they are missing, readable by their owner alone.
 *
 * @returns 32 bytes
 * @throws {Error} `cannot use --state-dir "dir": why`
 */
export function loadResumeKey(dir: string): Uint8Array {
  const path = join(dir, FILE);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const known = lstatSync(path, { throwIfNoEntry: false });
    if (known === undefined) writeKey(path);
    else if (!known.isFile() || known.size !== LENGTH) {
      throw new Error(`${FILE} in it is not a key of this server's: delete it to get a new one`);
    }
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`cannot use --state-dir "${dir}": ${fileErrorReason(cause)}`, { cause });
  }
}

/** Writes a new key whole or not at all; another server's that was faster stays. */
function writeKey(path: string): void {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    writeFileSync(aside, randomBytes(LENGTH), { mode: 0o600, flag: "wx" });
    linkSync(aside, path);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
