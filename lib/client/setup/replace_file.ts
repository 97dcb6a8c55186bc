/** Files that are replaced as a whole: readers see the old content or the new one. */
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
    const target = await Deno.realPath(path).catch(() => path);
    const old = await Deno.stat(target).catch(() => undefined);
    partial = await Deno.makeTempFile({ dir: dirname(target), prefix: ".converge-" });
    await fill(partial);
    await setMode(partial, "always" in mode ? mode.always : old?.mode ?? mode.ifNew);
    await rename(partial, target);
  } catch (cause) {
    if (partial !== undefined) await Deno.remove(partial).catch(() => {});
    throw new Error(`cannot write "${path}": ${fileErrorReason(cause)}`, { cause });
  }
}

/** The same with bytes; a new file is private. */
export async function replaceBytes(path: string, bytes: Uint8Array): Promise<void> {
  await replaceFile(path, (partial) => Deno.writeFile(partial, bytes), { ifNew: 0o600 });
}

/** The same with text. */
export async function replaceText(path: string, text: string): Promise<void> {
  await replaceBytes(path, new TextEncoder().encode(text));
}

/**
 * Whether the owner may write to a file. Replacing it would work without that, but a person who took
 * the right away does not want the file changed.
 */
export async function isWritable(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return mode === null || (mode & 0o200) !== 0;
}

async function setMode(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode & 0o7777);
}

/** Windows does not replace a program that runs, but it renames it. */
async function rename(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
    const aside = join(dirname(to), `.converge-old-${crypto.randomUUID()}`);
    await Deno.rename(to, aside);
    try {
      await Deno.rename(from, to);
    } catch (error) {
      await Deno.rename(aside, to);
      throw error;
    }
    // While it runs it cannot be removed; the next replacement does that.
    await removeOld(dirname(to));
  }
}

async function removeOld(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (name.startsWith(".converge-old-")) await Deno.remove(join(directory, name)).catch(() => {});
  }
}
