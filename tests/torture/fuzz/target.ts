/** What is fuzzed, and how. */
import fc from "fast-check";

/** Something that takes input from outside. */
export interface FuzzTarget {
  name: string;
  /** Feeds it `runs` inputs. @throws {Error} with the input that broke it */
  run(runs: number, seed: number): Promise<void>;
}

/** What may be thrown: the errors that are documented. */
type Documented = abstract new (...args: never[]) => Error;

/**
 * A target that is fed one input at a time.
 *
 * @param feed may throw what is in `documented` and nothing else
 */
export function target<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  feed: (input: T) => unknown,
  documented: Documented[] = [],
): FuzzTarget {
  return {
    name,
    run: (runs, seed) =>
      fc.assert(
        fc.asyncProperty(inputs, async (input) => {
          try {
            await feed(input);
          } catch (error) {
            if (!documented.some((kind) => error instanceof kind)) throw error;
          }
        }),
        { numRuns: runs, seed },
      ),
  };
}
