/** `agent keygen`: a host key that the runs of a job share. */
import { hostKeyFromSecret, newHostKeySecret } from "../ssh/keys/host_key.ts";

/** The environment variable in which the agent gets its host key from a CI system's secrets. */
export const HOST_KEY_VARIABLE = "CONVERGE_HOST_KEY";

/**
 * Makes a key.
 *
 * @param print gets the secret, a line, and nothing else, so that it can be piped on
 * @param say tells the person the rest
 */
export function keygen(print: (text: string) => void, say: (line: string) => void): void {
  const secret = newHostKeySecret();
  const { fingerprint, publicLine } = hostKeyFromSecret(HOST_KEY_VARIABLE, secret);
  say(`Host key ${fingerprint}. This line is secret; keep it as ${HOST_KEY_VARIABLE}:`);
  print(`${secret}\n`);
  say("This one is public; the usage page takes it as the host key:");
  say(publicLine);
}
