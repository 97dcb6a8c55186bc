/** Wrong use of a program: exit status 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
