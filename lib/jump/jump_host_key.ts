import { join } from "node:path";
import type { Log } from "../log/log.ts";
import { generateHostKey, type HostKey, loadHostKey } from "../ssh/keys/host_key.ts";

/** The name of the file in the state directory. */
const FILE_NAME = "ssh_host_key";

/** Where the key of a jump host is kept. */
export interface JumpHostKeyOptions {
  file?: string;
  stateDir?: string;
  log: Log;
}

/**
 * Reads the key of a jump host; makes one if the file is missing.
 *
 * @throws {Error} if the file cannot be read or written, or does not hold a host key
 */
export async function jumpHostKey(options: JumpHostKeyOptions): Promise<HostKey> {
  const { stateDir, log } = options;
  const file = options.file ?? (stateDir === undefined ? undefined : join(stateDir, FILE_NAME));
  if (file !== undefined) return await loadHostKey(file);
  log.warn("the host key for ssh -J changes with each start", {
    hint: "keep it with --ssh-host-key or --state-dir",
  });
  return generateHostKey();
}
