import type { ByteStream } from "./byte_stream.ts";

/** Copies `from` to `to` until end of file, which it passes on. */
async function copy(from: ByteStream, to: ByteStream): Promise<void> {
  for (let bytes = await from.read(); bytes !== null; bytes = await from.read()) {
    await to.write(bytes);
  }
  await to.end();
}

/**
 * Copies bytes both ways until both directions have ended; each ends by itself. Once one stream is
 * gone for good and all that it gave has been delivered, nothing more is read from the other one.
 * Afterwards both streams are closed.
 *
 * @throws {Error} what broke either stream first; the other one is then closed with it
 */
export async function pipe(a: ByteStream, b: ByteStream): Promise<void> {
  let failure: Error | undefined;
  const close = (error?: Error) => {
    failure ??= error;
    a.close(failure);
    b.close(failure);
  };
  const up = copy(a, b).catch(close);
  const down = copy(b, a).catch(close);
  const follow = async (gone: ByteStream, delivered: Promise<void>) => {
    const error = await gone.closed;
    await delivered;
    close(error);
  };
  void follow(a, up);
  void follow(b, down);
  await Promise.all([up, down]);
  close();
  if (failure !== undefined) throw failure;
}
