/** A slow link in front of a TCP server, in a program of its own. */
import { join } from "node:path";
import { Program } from "./program.ts";
import { ROOT } from "./root.ts";

/**
 * @param port of the server
 * @param rate in bytes a second, each way
 * @param delay each way, in milliseconds
 */
export async function startSlowLink(
  port: number,
  rate: number,
  delay: number,
): Promise<{ port: number } & AsyncDisposable> {
  const script = join(ROOT, "tests/support/slow_link.py");
  const program = new Program("/usr/bin/python3", [script, `${port}`, `${rate}`, `${delay}`]);
  const [text] = await program.waitFor(/^\d+$/m);
  return {
    port: Number(text),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
