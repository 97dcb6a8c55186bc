import type { ByteStream } from "./byte_stream.ts";
import { writeAll } from "./raw_connection.ts";

/** What holds all that is read at once, in bytes. */
const BUFFER = 256 * 1024;

/** What a pipe holds at the most, in bytes, on Linux. */
const PIPE = 64 * 1024;

/**
 * After a read of so many bytes more is likely to follow: what comes within so many milliseconds is
 * given with it, up to so many bytes. ssh writes 32 KiB at once, and each message costs the server.
 */
const BULK = 16 * 1024;
const GATHER_MS = 1;
const GATHER = 128 * 1024;

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
  readonly #buffer = new Uint8Array(BUFFER);
  readonly #closed = Promise.withResolvers<Error | undefined>();
  /**
   * A read into the buffer from `at` on whose bytes are not given yet: standard input cannot be
   * interrupted, only left alone.
   */
  #reading: { at: number; count: PromiseWithResolvers<number | null> } | undefined;
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
    const { at, count } = this.#reading ?? this.#startRead(0);
    if (this.#writeEnded) this.#startLingering();
    let first: number | null;
    try {
      first = await count.promise;
    } catch (error) {
      throw this.#fail("cannot read standard input", error);
    } finally {
      clearTimeout(this.#timer);
    }
    if (first !== null) return this.#buffer.subarray(at, await this.#gather(at, first));
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
    this.#reading?.count.resolve(null);
    this.#closed.resolve(error);
  }

  #startRead(at: number): { at: number; count: PromiseWithResolvers<number | null> } {
    const count = Promise.withResolvers<number | null>();
    this.#stdio.stdin.read(this.#buffer.subarray(at)).then(count.resolve, count.reject);
    return this.#reading = { at, count };
  }

  /** Reads what soon follows a large read of `count` bytes at `at`. @returns where all of it ends */
  async #gather(at: number, count: number): Promise<number> {
    this.#reading = undefined;
    let end = at + count;
    while (count >= BULK && end - at < GATHER && end + PIPE <= BUFFER) {
      const { count: next } = this.#startRead(end);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, GATHER_MS);
      const more = await Promise.race([next.promise, late]).catch(() => {});
      clearTimeout(timer);
      // If it is late, the end or an error, the next call gets it.
      if (typeof more !== "number") break;
      this.#reading = undefined;
      end += count = more;
    }
    return end;
  }

  #startLingering(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reading?.count.resolve(null), this.#stdio.linger);
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
