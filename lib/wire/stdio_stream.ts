import type { ByteStream } from "./byte_stream.ts";
import { ReadBuffer } from "./read_buffer.ts";

const READ_BUFFER = 256 * 1024;

/** Where {@link stdioStream} reads from and writes to. */
export interface Stdio {
  stdin: { read(buffer: Uint8Array): Promise<number | null> };
  stdout: { write(bytes: Uint8Array): Promise<number>; close(): void };
}

/**
 * This program's standard input and output as one stream of bytes.
 * Its end closes standard output, so that whoever reads it sees an end of file.
 */
export function stdioStream(stdio: Stdio = { stdin: Deno.stdin, stdout: Deno.stdout }): ByteStream {
  return new StdioByteStream(stdio);
}

class StdioByteStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #stdio: Stdio;
  readonly #buffer = new ReadBuffer(READ_BUFFER);
  readonly #closed = Promise.withResolvers<Error | undefined>();
  /** Set while a read is under way: standard input cannot be interrupted, only left alone. */
  #reading: PromiseWithResolvers<number | null> | undefined;
  #readEnded = false;
  #writeEnded = false;
  #gone = false;

  constructor(stdio: Stdio) {
    this.#stdio = stdio;
    this.closed = this.#closed.promise;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#readEnded || this.#gone) return null;
    const reading = this.#reading = Promise.withResolvers<number | null>();
    this.#stdio.stdin.read(this.#buffer.space).then(reading.resolve, reading.reject);
    let count: number | null;
    try {
      count = await reading.promise;
    } catch (error) {
      throw this.#fail("cannot read standard input", error);
    }
    if (count !== null) return this.#buffer.take(count);
    this.#readEnded = true;
    if (this.#writeEnded) this.close();
    return null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writeEnded || this.#gone) throw new Error("standard output is closed");
    try {
      let written = 0;
      while (written < bytes.length) {
        written += await this.#stdio.stdout.write(bytes.subarray(written));
      }
    } catch (error) {
      throw this.#fail("cannot write to standard output", error);
    }
  }

  end(): Promise<void> {
    if (this.#writeEnded || this.#gone) return Promise.resolve();
    this.#writeEnded = true;
    this.#closeStdout();
    if (this.#readEnded) this.close();
    return Promise.resolve();
  }

  close(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#closeStdout();
    this.#reading?.resolve(null);
    this.#closed.resolve(error);
  }

  #closeStdout(): void {
    try {
      this.#stdio.stdout.close();
    } catch {
      // It is closed already.
    }
  }

  #fail(what: string, cause: unknown): Error {
    const why = cause instanceof Deno.errors.BrokenPipe
      ? "its reader has gone"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    const error = new Error(`${what}: ${why}`, { cause });
    this.close(error);
    return error;
  }
}
