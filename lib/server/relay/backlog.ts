/**
 * Bytes that wait for all receivers together: many slow ones must not use the memory that one slow
 * receiver may not.
 */
export class Backlog {
  /** Approximate: what a receiver has taken counts until it is settled. */
  bytes = 0;

  /** @param limit in bytes */
  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.bytes > this.limit;
  }
}
