import type { ByteStream } from "./byte_stream.ts";
import { writeAll } from "./raw_connection.ts";

/** How much is read at once, in bytes. */
const READ_BUFFER = 256 * 1024;

/** What {@link stdioStream} reads from and writes to. */
export interface StdioOptions {
  /** @default Deno.stdin */
  stdin?: { read(buffer: Uint8Array): Promise<number | null> };
  /** @default Deno.stdout */
  stdout?: { write(bytes: Uint8Array): Promise<number> };
  /** How long input may be silent after the end of output, in milliseconds. @default 2000 */
  linger?: number;
}

/**
 * This program's standard input and output as one stream of bytes.
 *
 * Deno cannot close standard output: its reader sees the end only when this program ends. And
 * ssh, which starts this program, waits for that before it ends our input. So once output has
 * ended, input that is silent for a while counts as ended too.
 */
export function stdioStream(options: StdioOptions = {}): ByteStream {
  const { stdin = Deno.stdin, stdout = Deno.stdout, linger = 2000 } = options;
  return new StdioByteStream({ stdin, stdout, linger });
}

class StdioByteStream implements ByteStream {
  readonly closed: Promise<Error | undefined>;
  readonly #stdio: Required<StdioOptions>;
  readonly #buffer = new Uint8Array(READ_BUFFER);
  readonly #closed = Promise.withResolvers<Error | undefined>();
  /** Set while a read is under way: standard input cannot be interrupted, only left alone. */
  #reading: PromiseWithResolvers<number | null> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #readEnded = false;
  #writeEnded = false;
  #gone = false;

  constructor(stdio: Required<StdioOptions>) {
    this.#stdio = stdio;
    this.closed = this.#closed.promise;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#readEnded || this.#gone) return null;
    const reading = this.#reading = Promise.withResolvers<number | null>();
    this.#stdio.stdin.read(this.#buffer).then(reading.resolve, reading.reject);
    if (this.#writeEnded) this.#startLingering();
    let count: number | null;
    try {
      count = await reading.promise;
    } catch (error) {
      throw this.#fail("cannot read standard input", error);
    } finally {
      clearTimeout(this.#timer);
    }
    if (count !== null) return this.#buffer.subarray(0, count);
    this.#readEnded = true;
    if (this.#writeEnded) this.close();
    return null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writeEnded || this.#gone) throw new Error("standard output is closed");
    try {
      await writeAll(this.#stdio.stdout, bytes);
    } catch (error) {
      throw this.#fail("cannot write to standard output", error);
    }
  }

  end(): Promise<void> {
    if (this.#writeEnded || this.#gone) return Promise.resolve();
    this.#writeEnded = true;
    if (this.#readEnded) this.close();
    else this.#startLingering();
    return Promise.resolve();
  }

  close(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#reading?.resolve(null);
    this.#closed.resolve(error);
  }

  #startLingering(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reading?.resolve(null), this.#stdio.linger);
  }

  #fail(what: string, cause: unknown): Error {
    const why = cause instanceof Deno.errors.BrokenPipe
      ? "its reader has closed it"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    const error = new Error(`${what}: ${why}`, { cause });
    this.close(error);
    return error;
  }
}
