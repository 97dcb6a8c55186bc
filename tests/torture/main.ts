/**
 * `deno task torture [scenario] [arguments]`: what takes minutes, or makes the machine suffer.
 *
 * @module
 */
import { fuzz } from "./fuzz.ts";
import { packetSizes } from "./packet_sizes.ts";
import { slowLinks } from "./slow_links.ts";

const SCENARIOS: Record<string, (...args: string[]) => Promise<void>> = {
  "fuzz": fuzz,
  "packet-sizes": packetSizes,
  "slow-links": slowLinks,
};

const [scenario, ...args] = Deno.args;
const chosen = scenario === undefined ? Object.values(SCENARIOS) : [SCENARIOS[scenario]];
for (const run of chosen) {
  if (run === undefined) {
    console.error(`no scenario "${scenario}"; there are: ${Object.keys(SCENARIOS).join(", ")}`);
    Deno.exit(2);
  }
  await run(...args);
}
