/**
 * How many bytes wait for all receivers together, so that many slow ones cannot do what a single one
 * may not.
 */
export class Backlog {
  /** About; what receivers have taken counts until somebody looks at them again. */
  bytes = 0;

  /** @param limit in bytes */
  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.bytes > this.limit;
  }
}
