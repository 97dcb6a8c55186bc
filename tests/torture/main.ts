/**
 * `deno task torture [scenario] [arguments]`: what takes minutes, or makes the machine suffer.
 *
 * @module
 */
import { cluster } from "./cluster.ts";
import { failures } from "./failures.ts";
import { fuzz } from "./fuzz.ts";
import { hostile } from "./hostile.ts";
import { many } from "./many.ts";
import { packetSizes } from "./packet_sizes.ts";
import { resume } from "./resume.ts";
import { slowLinks } from "./slow_links.ts";
import { soak } from "./soak.ts";

interface Scenario {
  run: (...args: string[]) => Promise<void>;
  /** The arguments when all scenarios run, which has to take less than 20 minutes. */
  among?: string[];
}

const SCENARIOS: Record<string, Scenario> = {
  "cluster": { run: cluster, among: ["200", "100"] },
  "failures": { run: failures },
  "fuzz": { run: fuzz },
  "hostile": { run: hostile },
  "many": { run: many },
  "packet-sizes": { run: packetSizes, among: ["chacha20-poly1305@openssh.com"] },
  "resume": { run: resume, among: ["deploys"] },
  "slow-links": { run: slowLinks, among: ["ssh", "1 MB/s"] },
  "soak": { run: soak },
};

const [name, ...args] = Deno.args;
const names = name === undefined ? Object.keys(SCENARIOS) : [name];
for (const each of names) {
  const scenario = SCENARIOS[each];
  if (scenario === undefined) {
    console.error(`no scenario "${each}"; there are: ${Object.keys(SCENARIOS).join(", ")}`);
    Deno.exit(2);
  }
  try {
    await scenario.run(...name === undefined ? scenario.among ?? [] : args);
  } catch (error) {
    // One of a failed test often hides another one, of what it then could not clean up.
    for (let next = error; next !== undefined; next = (next as SuppressedError).suppressed) {
      console.error((next as SuppressedError).error ?? next);
    }
    Deno.exitCode = 1;
  }
}
