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
import { printTable } from "./table.ts";

interface Scenario {
  run: (...args: string[]) => Promise<void>;
  /** The arguments when all scenarios run. */
  among?: string[];
  /** How long it may take then, in seconds: all together less than 20 minutes. */
  share: number;
}

const SCENARIOS: Record<string, Scenario> = {
  "cluster": { run: cluster, among: ["200", "100"], share: 90 },
  "failures": { run: failures, share: 220 },
  "fuzz": { run: fuzz, share: 190 },
  "hostile": { run: hostile, among: ["50", "25"], share: 130 },
  "many": { run: many, share: 90 },
  "packet-sizes": { run: packetSizes, among: ["chacha20-poly1305@openssh.com"], share: 110 },
  "resume": { run: resume, among: ["deploys"], share: 110 },
  "slow-links": { run: slowLinks, among: ["ssh", "1 MB/s"], share: 120 },
  "soak": { run: soak, share: 130 },
};

/** Runs all, each in a process of its own that is ended with all it started when its time is over. */
async function runAll(): Promise<void> {
  const rows: string[][] = [];
  const start = performance.now();
  for (const [name, { among = [], share }] of Object.entries(SCENARIOS)) {
    console.log(`\n# ${name}`);
    const began = performance.now();
    const self = ["run", "-A", "--v8-flags=--expose-gc", Deno.mainModule, name, ...among];
    // timeout(1) signals its process group.
    const args = ["--kill-after=5", String(share - 5), Deno.execPath(), ...self];
    const { code } = await new Deno.Command("timeout", { args, stdin: "null" }).spawn().status;
    const isLate = code === 124 || code === 137;
    if (code !== 0) Deno.exitCode = 1;
    const outcome = isLate ? "took too long" : code === 0 ? "passed" : "failed";
    rows.push([name, seconds(performance.now() - began), seconds(1_000 * share), outcome]);
  }
  console.log();
  printTable(["scenario", "took", "may take", "outcome"], [
    ...rows,
    ["all", seconds(performance.now() - start), "20 minutes", ""],
  ]);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(0)} s`;
}

/** Runs one. */
async function runScenario(name: string, args: string[]): Promise<void> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) {
    console.error(`no scenario "${name}"; there are: ${Object.keys(SCENARIOS).join(", ")}`);
    Deno.exit(2);
  }
  try {
    await scenario.run(...args);
  } catch (error) {
    // One of a failed test often hides another one, of what it then could not clean up.
    for (let next = error; next !== undefined; next = (next as SuppressedError).suppressed) {
      console.error((next as SuppressedError).error ?? next);
    }
    Deno.exitCode = 1;
  }
}

const [name, ...args] = Deno.args;
if (name === undefined) await runAll();
else await runScenario(name, args);
