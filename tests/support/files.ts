/**
 * Puts a large file into another directory: as a link, or as a copy where the directory lies in
 * another file system, as a TMPDIR in memory does.
 */
export async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await Deno.link(source, target);
  } catch {
    await Deno.copyFile(source, target);
  }
}
