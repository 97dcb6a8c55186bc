import { join } from "node:path";
import { ROOT } from "../support/root.ts";
import { APART } from "../support/slow_link.ts";

/**
 * `deno task torture slow-links [client] [link] [megabytes]`, as root on Linux: other people's
 * clients move a file over slow and long links, with a shell beside. Every byte has to arrive, the
 * shell has to answer, and the server must not grow.
 *
 * @param client transfers whose name has this in it
 * @param link links whose name has this in it
 * @param megabytes how large the file is; by default what takes some seconds
 */
export async function slowLinks(client = "", link = "", megabytes = ""): Promise<void> {
  const script = join(ROOT, "tests/torture/slow_links/main.ts");
  const [command, ...args] = [...APART, Deno.execPath(), "run", "-A", script];
  const all = [...args, client, link, megabytes];
  const { success } = await new Deno.Command(command!, { args: all }).spawn().status;
  if (!success) throw new Error("a transfer failed");
}
