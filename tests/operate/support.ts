/** What the tests of docs/operate share. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../support/root.ts";
export { ROOT } from "../support/root.ts";

/** Reads a file of docs/operate. */
export function operateFile(name: string): string {
  return Deno.readTextFileSync(join(ROOT, "docs", "operate", name));
}

/** Puts values of a test in place of the file's own, each of which must be there once. */
export function adapt(text: string, values: Record<string, string>): string {
  for (const [from, to] of Object.entries(values)) {
    assert.equal(text.split(from).length, 2, `${from} is not there once`);
    text = text.replace(from, () => to);
  }
  return text;
}

/** A port that nobody listens at. */
export function freePort(): number {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (probe.addr as Deno.NetAddr).port;
}
