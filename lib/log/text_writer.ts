/** How much text may wait for a reader, in characters; what comes while more waits is lost. */
const MAX_WAITING = 1024 * 1024;

/** How much is written at once, in bytes. */
const PIECE = 64 * 1024;

/** What text is written to: a file, stdout or stderr. */
export interface TextTarget {
  /** Writes a part of `bytes`; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes text in its order and never waits: a reader that stops reading, one that is gone and a
 * full disk must not stop the program. What cannot be written is lost, as there is no other place
 * to report it.
 */
export class TextWriter {
  readonly #to: TextTarget;
  #waiting = "";
  #writing: Promise<void> | undefined;
  #written = 0;

  constructor(to: TextTarget) {
    this.#to = to;
  }

  write(text: string): void {
    if (text === "" || this.#waiting.length > MAX_WAITING) return;
    this.#waiting += text;
    this.#writing ??= this.#write();
  }

  /** Resolves when all is written, or nothing was taken for `patience` milliseconds. */
  async flush(patience: number): Promise<void> {
    for (let before = -1; this.#writing && this.#written > before;) {
      before = this.#written;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, patience);
      await Promise.race([this.#writing, promise]);
      clearTimeout(timer);
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting !== "") {
        const bytes = new TextEncoder().encode(this.#waiting);
        this.#waiting = "";
        for (let at = 0; at < bytes.length;) {
          const count = await this.#to.write(bytes.subarray(at, at + PIECE));
          at += count;
          this.#written += count;
        }
      }
    } catch {
      // Nothing reads it.
      this.#waiting = "";
    }
    this.#writing = undefined;
  }
}

/** What this program prints for its person or the next program. */
export const stdoutText = new TextWriter({ write: (bytes) => Deno.stdout.write(bytes) });

/** What it reports. */
export const stderrText = new TextWriter({ write: (bytes) => Deno.stderr.write(bytes) });
