/** Runs a script of this directory where it may cut the network and mount file systems. */
import { join } from "node:path";
import { succeed } from "../../support/clients.ts";
import { TempDir } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";

const LINK_UP = "ip link set lo up";

/** In memory, with 1 MiB. */
const SMALL_DISK = 'mount -t tmpfs -o size=1m tmpfs "$TMPDIR"';

/**
 * Runs a script as root in network and mount namespaces of its own, its temporary directory on a
 * small disk.
 *
 * @throws {AssertionError} with its output if it fails
 */
export async function runApart(script: string, ...args: string[]): Promise<void> {
  await using disk = new TempDir();
  const path = join(ROOT, "tests/torture/failures", script);
  const command = [Deno.execPath(), "run", "-A", path, ...args];
  const setUp = `${LINK_UP}; ${SMALL_DISK}; exec "$@"`;
  await succeed("unshare", ["-nm", "sh", "-ec", setUp, "sh", ...command], {
    env: { TMPDIR: disk.path },
  });
}
