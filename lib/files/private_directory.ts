/**
 * Directories that only this program's user can write to: what another user put there is not used.
 *
 * @module
 */

/** The permissions to write of the group and of others. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes a directory, or checks the one that exists.
 *
 * @throws {Error} for fileErrorReason()
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  await checkPrivateDirectory(path);
}

/**
 * Checks that nobody else has made a directory, or put a link in its place, or can write to it.
 *
 * @throws {Deno.errors.NotFound | Deno.errors.NotADirectory} if it does not exist
 * @throws {Error} for fileErrorReason(), with what to do
 */
export async function checkPrivateDirectory(path: string): Promise<void> {
  const { isSymlink, isDirectory, uid, mode } = await Deno.lstat(path);
  if (isSymlink) throw new Error("it is a symbolic link; remove it");
  if (!isDirectory) throw new Deno.errors.NotADirectory("it is not a directory; remove it");
  if (Deno.build.os === "windows") return;
  if (uid !== Deno.uid()) throw new Error(`it is user ${uid}'s; become that user, or remove it`);
  if ((mode! & WRITABLE_BY_OTHERS) !== 0) {
    throw new Error("others can write to it; run chmod 700 on it, or remove it");
  }
}
