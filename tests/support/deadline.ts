import { delay, within } from "../../lib/wire/delay.ts";

/** How long a test waits for an event before it says what it got instead, in milliseconds. */
export const PATIENCE_MS = 300_000;

/**
 * Waits for `event`, which must settle in any working program long before the limit: it is there
 * so that a failure shows what happened and does not hang the run.
 *
 * @throws {Error} with the text of `describe` if the event does not come
 */
export async function inTime<T>(event: Promise<T>, describe: () => string): Promise<T> {
  const settled = await within(PATIENCE_MS, event.then((value) => ({ value })));
  if (settled === undefined) throw new Error(describe());
  return settled.value;
}

/**
 * Looks until there is something to see, for what brings no event, as the kernel's files.
 *
 * @throws {Error} with the text of `describe` if nothing comes
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  describe: () => string,
): Promise<NonNullable<T>> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(describe());
    await delay(100);
  }
}
