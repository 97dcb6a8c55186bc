import { MalformedError } from "../protocol/wire_format.ts";

/** How much may wait, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** What a request counts in addition to its data, in bytes. */
const REQUEST_BYTES = 100;

/** Runs requests one after the other, so that replies go out in their order. */
export class RequestQueue {
  /** The last request under each key. */
  readonly #last = new Map<number, Promise<void>>();
  #bytes = 0;

  /**
   * Runs `work` after everything added before under the same key.
   *
   * @param size of the request's data, in bytes
   * @returns settles with `work`
   * @throws {MalformedError} if too much waits: no client that reads replies sends so much
   */
  add(key: number, size: number, work: () => Promise<void>): Promise<void> {
    const bytes = size + REQUEST_BYTES;
    if (this.#bytes + bytes > MAX_BYTES) throw new MalformedError("too many waiting requests");
    this.#bytes += bytes;
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work).finally(() => {
      this.#bytes -= bytes;
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    this.#last.set(key, done);
    return done;
  }
}
