import type { ByteStream } from "../../lib/wire/byte_stream.ts";

/** How much one direction holds before `write()` waits for a reader, in bytes. */
const CAPACITY = 65_536;

/** One direction. */
class Direction {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #ended = false;
  #error: Error | undefined;
  #changed = Promise.withResolvers<void>();

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#held -= chunk.length;
        this.#change();
        return chunk;
      }
      if (this.#ended) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) throw this.#error ?? new Error("the stream is closed");
    if (bytes.length === 0) return;
    this.#chunks.push(bytes.slice());
    this.#held += bytes.length;
    this.#change();
    while (this.#held > CAPACITY && !this.#ended) await this.#changed.promise;
  }

  end(error?: Error): void {
    if (!this.#ended) this.#error = error;
    this.#ended = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

class MemoryStream implements ByteStream {
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly closed = this.#closed.promise;
  #open = 2;

  constructor(readonly incoming: Direction, readonly outgoing: Direction) {}

  async read(): Promise<Uint8Array | null> {
    const bytes = await this.incoming.read();
    if (bytes === null) this.#end();
    return bytes;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.outgoing.write(bytes);
  }

  end(): Promise<void> {
    this.outgoing.end();
    this.#end();
    return Promise.resolve();
  }

  close(error?: Error): void {
    this.outgoing.end(error);
    this.incoming.end();
    this.#closed.resolve(error);
  }

  #end(): void {
    if (--this.#open === 0) this.#closed.resolve(undefined);
  }
}

/** Two ends of one stream without a network: what is written to one is read from the other. */
export function memoryStreamPair(): [ByteStream, ByteStream] {
  const [up, down] = [new Direction(), new Direction()];
  return [new MemoryStream(down, up), new MemoryStream(up, down)];
}

/** Reads up to end of file. */
export async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
    chunks.push(bytes.slice());
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
