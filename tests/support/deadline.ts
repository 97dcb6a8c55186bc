/** How long a test waits for an event before it says what it got instead, in milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Waits for `event`, which must settle in any working program long before the limit: it is there
 * so that a failure shows what happened and does not hang the run.
 *
 * @throws {Error} with the text of `describe` if the event does not come
 */
export async function inTime<T>(event: Promise<T>, describe: () => string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(describe())), PATIENCE_MS);
  try {
    return await Promise.race([event, promise]);
  } finally {
    clearTimeout(timer);
  }
}
