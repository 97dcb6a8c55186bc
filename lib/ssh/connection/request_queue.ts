import { MalformedError } from "../protocol/wire_format.ts";

/** How much may wait, in bytes of requests. */
const MAX_BYTES = 1024 * 1024;

/** What a request counts besides its data, in bytes. */
const REQUEST_BYTES = 100;

/** Requests that are dealt with one after the other, so that replies go out in their order. */
export class RequestQueue {
  /** The last request under each key. */
  readonly #last = new Map<number, Promise<void>>();
  #bytes = 0;

  /**
   * Runs `work` after all that has been added under the same key before.
   *
   * @param size of the request's data, in bytes
   * @returns what settles with `work`
   * @throws {MalformedError} if too much waits: a client that sends more wants no replies
   */
  add(key: number, size: number, work: () => Promise<void>): Promise<void> {
    const bytes = size + REQUEST_BYTES;
    if (this.#bytes + bytes > MAX_BYTES) throw new MalformedError("too many requests wait");
    this.#bytes += bytes;
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work).finally(() => {
      this.#bytes -= bytes;
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    this.#last.set(key, done);
    return done;
  }
}
