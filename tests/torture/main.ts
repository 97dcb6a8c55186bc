/**
 * `deno task torture [scenario] [arguments]`: what takes minutes, or makes the machine suffer.
 *
 * @module
 */
import { failures } from "./failures.ts";
import { fuzz } from "./fuzz.ts";
import { hostile } from "./hostile.ts";
import { many } from "./many.ts";
import { packetSizes } from "./packet_sizes.ts";
import { slowLinks } from "./slow_links.ts";
import { soak } from "./soak.ts";

const SCENARIOS: Record<string, (...args: string[]) => Promise<void>> = {
  "failures": failures,
  "fuzz": fuzz,
  "hostile": hostile,
  "many": many,
  "packet-sizes": packetSizes,
  "slow-links": slowLinks,
  "soak": soak,
};

const [scenario, ...args] = Deno.args;
const chosen = scenario === undefined ? Object.values(SCENARIOS) : [SCENARIOS[scenario]];
for (const run of chosen) {
  if (run === undefined) {
    console.error(`no scenario "${scenario}"; there are: ${Object.keys(SCENARIOS).join(", ")}`);
    Deno.exit(2);
  }
  try {
    await run(...args);
  } catch (error) {
    // One of a failed test often hides another one, of what it then could not clean up.
    for (let next = error; next !== undefined; next = (next as SuppressedError).suppressed) {
      console.error((next as SuppressedError).error ?? next);
    }
    Deno.exit(1);
  }
}
