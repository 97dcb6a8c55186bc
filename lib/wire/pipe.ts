import type { ByteStream } from "./byte_stream.ts";

/** Copies `from` to `to` until end of file, which it passes on. */
async function copy(from: ByteStream, to: ByteStream): Promise<void> {
  for (let bytes = await from.read(); bytes !== null; bytes = await from.read()) {
    await to.write(bytes);
  }
  await to.end();
}

/**
 * Copies bytes both ways until both directions have ended; each ends by itself. Afterwards both
 * streams are closed.
 *
 * @throws {Error} what broke either stream; the other one is then closed with it
 */
export async function pipe(a: ByteStream, b: ByteStream): Promise<void> {
  const guard = async (copying: Promise<void>) => {
    try {
      await copying;
    } catch (error) {
      a.close(error as Error);
      b.close(error as Error);
      throw error;
    }
  };
  const [up, down] = await Promise.allSettled([guard(copy(a, b)), guard(copy(b, a))]);
  a.close();
  b.close();
  // Both may have failed; the first one listed is the one that a person should hear of.
  if (up.status === "rejected") throw up.reason;
  if (down.status === "rejected") throw down.reason;
}
