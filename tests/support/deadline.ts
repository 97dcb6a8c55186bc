import { delay, within } from "../../lib/wire/delay.ts";

/** How long a test waits for an event before it says what it got instead, in milliseconds. */
export const PATIENCE_MS = 300_000;

/** How much of that goes by at once, however long this machine was halted meanwhile. */
const TICK_MS = 1000;

/**
 * Waits for `event`, which must settle in any working program long before the limit: it is there
 * so that a failure shows what happened and does not hang the run. Time in which this machine stood
 * still does not count, as that of a virtual one that is moved.
 *
 * @throws {Error} with the text of `describe` if the event does not come
 */
export async function inTime<T>(event: Promise<T>, describe: () => string): Promise<T> {
  const settled = event.then((value) => ({ value }));
  for (let waited = 0; waited < PATIENCE_MS; waited += TICK_MS) {
    const result = await within(TICK_MS, settled);
    if (result) return result.value;
  }
  throw new Error(describe());
}

/**
 * Looks until there is something to see, for what brings no event, as the kernel's files. The limit
 * is that of {@link inTime}.
 *
 * @throws {Error} with the text of `describe` if nothing comes
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  describe: () => string,
): Promise<NonNullable<T>> {
  const pause = 100;
  for (let waited = 0; waited < PATIENCE_MS; waited += pause) {
    const seen = await look();
    if (seen) return seen;
    await delay(pause);
  }
  throw new Error(describe());
}
