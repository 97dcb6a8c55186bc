/** Files that are replaced as a whole: readers see the old content or the new one. */
import { chmod, readdir, realpath, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileErrorReason } from "../../text/file_error.ts";

/**
 * Replaces a file, or makes it; a symbolic link stays and its target is replaced.
 *
 * @param fill writes the new content to the path that it gets
 * @param mode of a new file; one that is replaced keeps its own, unless that is `always`
 * @throws {Error} `cannot write "…": why`
 */
export async function replaceFile(
  path: string,
  fill: (partial: string) => Promise<void>,
  mode: { ifNew: number } | { always: number },
): Promise<void> {
  let partial: string | undefined;
  try {
    const target = await realpath(path).catch(() => path);
    const old = await stat(target).catch(() => undefined);
    partial = join(dirname(target), `.converge-new-${crypto.randomUUID()}`);
    await writeFile(partial, "", { flag: "wx", mode: 0o600 });
    await fill(partial);
    await chmod(partial, ("always" in mode ? mode.always : old?.mode ?? mode.ifNew) & 0o7777);
    await move(partial, target);
  } catch (cause) {
    if (partial !== undefined) await rm(partial, { force: true });
    throw new Error(`cannot write "${path}": ${fileErrorReason(cause)}`, { cause });
  }
}

/** The same with bytes; a new file is private. */
export async function replaceBytes(path: string, bytes: Uint8Array): Promise<void> {
  await replaceFile(path, (partial) => writeFile(partial, bytes), { ifNew: 0o600 });
}

/** The same with text. */
export async function replaceText(path: string, text: string): Promise<void> {
  await replaceBytes(path, new TextEncoder().encode(text));
}

/**
 * Whether the owner may write to a file. Replacing it would work without that, but a person who
 * took the right away does not want the file changed.
 */
export async function isWritable(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o200) !== 0;
}

/** Windows does not replace a program that runs, but it renames it. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
    const aside = join(dirname(to), `.converge-old-${crypto.randomUUID()}`);
    await rename(to, aside);
    try {
      await rename(from, to);
    } catch (error) {
      await rename(aside, to);
      throw error;
    }
    // While it runs it cannot be removed; the next replacement does that.
    await removeOld(dirname(to));
  }
}

async function removeOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(".converge-old-")) await unlink(join(directory, name)).catch(() => {});
  }
}
