/** A slow link between two network namespaces, see slow_link.py. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Program, run } from "./program.ts";
import { ROOT } from "./root.ts";

/** The far end of a slow link. */
export interface SlowLink extends AsyncDisposable {
  /** The address of this end, as programs at the far end reach it. */
  address: string;
  /** The start of a command line that runs the rest at the far end. */
  enter: string[];
  /** How many bytes have arrived, both ways. */
  carried(): number;
}

/**
 * Starts one in a network namespace that {@link APART} has made.
 *
 * @param rate in bytes a second, each way
 * @param delay each way, in milliseconds
 */
export async function startSlowLink(rate: number, delay: number): Promise<SlowLink> {
  const script = join(ROOT, "tests/support/slow_link.py");
  const program = new Program("/usr/bin/python3", [script, `${rate}`, `${delay}`]);
  await program.waitFor(/^ready$/m);
  const { pid } = program;
  return {
    address: "10.0.0.1",
    enter: ["nsenter", "--net", "--target", `${pid}`],
    carried: () => arrived("self") + arrived(`${pid}`),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** What has arrived at one end, in bytes. */
function arrived(process: string): number {
  const counters = Deno.readTextFileSync(`/proc/${process}/net/dev`);
  return Number(/^ *slow: *(\d+)/m.exec(counters)?.[1]);
}

/** The start of a command line that runs the rest in a network namespace of its own, as root. */
export const APART = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** Why there are no slow links on this machine, if there are none. */
export async function slowLinkMissing(): Promise<string | undefined> {
  if (!existsSync("/dev/net/tun")) return "/dev/net/tun is missing";
  try {
    const [command, ...args] = APART;
    const { code, stderr } = await run(command!, [...args, "true"]);
    return code === 0 ? undefined : stderr.trim();
  } catch (error) {
    return String(error);
  }
}
