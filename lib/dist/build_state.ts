/** How far a build is; changes as it goes on. */
export interface BuildState {
  readonly status: "building" | "ready" | "failed";
  /** The files that are or were to be built. One that is there is whole, but may be an old one. */
  readonly names: ReadonlySet<string>;
  /** Why it failed, in one line. */
  readonly reason?: string;
  /** Resolves when nothing is being built any more; never rejects. */
  readonly done: Promise<void>;
}
