/**
 * Writes files whole or not at all, readable by their owner alone: a full disk, or a program that
 * is killed, leaves no half of one behind.
 *
 * @module
 */
import { randomBytes } from "node:crypto";

/**
 * Replaces a file, or makes it.
 *
 * @throws {Error} for fileErrorReason()
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await writeAside(path, new TextEncoder().encode(text), (aside) => Deno.rename(aside, path));
}

/**
 * Makes a file. One that exists by now stays as it is.
 *
 * @throws {Error} for fileErrorReason()
 */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeAside(path, bytes, async (aside) => {
    try {
      await Deno.link(aside, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return;
      // Not every file system has hard links.
      await Deno.rename(aside, path);
    }
  });
}

async function writeAside(
  path: string,
  bytes: Uint8Array,
  finish: (aside: string) => Promise<void>,
): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    // A new file, whatever others have put there: no link is followed.
    await Deno.writeFile(aside, bytes, { createNew: true, mode: 0o600 });
    await finish(aside);
  } finally {
    await Deno.remove(aside).catch(() => {}); // Renamed, or never made.
  }
}

/**
 * Opens a file to add to it; makes it if it is missing. Terminals and such will do, but no pipe: to
 * open it would wait until a program reads it.
 *
 * @throws {Error} for fileErrorReason()
 */
export async function openToAppend(path: string): Promise<Deno.FsFile> {
  const found = await Deno.stat(path).catch(() => undefined); // If it matters, opening fails too.
  if (found?.isFifo) throw new Error("it is a pipe");
  return await Deno.open(path, { append: true, create: true, mode: 0o600 });
}
