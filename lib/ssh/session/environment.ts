/**
 * The environment of a session. Pure.
 *
 * @module
 */

/** Variables with secrets of the agent, or of a server that started it. */
export const SECRET_VARIABLES: readonly string[] = [
  "CONVERGE_AGENT_TOKEN",
  "CONVERGE_HOST_KEY",
  // A URL may have a login, and a webhook's is a secret.
  "CONVERGE_SERVER",
  "CONVERGE_NOTIFY_URL",
  "CONVERGE_PASSWORD",
  "CONVERGE_ADMIN_PASSWORD",
];

/**
 * Variables of the agent that a session does not get: secrets, those of an SSH session that the
 * agent was started in, and shell options such as `set -e` that a job's script may export.
 */
const DROPPED = [
  ...SECRET_VARIABLES,
  "SSH_CLIENT",
  "SSH_CONNECTION",
  "SSH_ORIGINAL_COMMAND",
  "SSH_TTY",
  "SHELLOPTS",
  "BASHOPTS",
];

/** Variables that a client may set for a forced command, too. */
const HARMLESS = /^(LANG|LC_[A-Z_]+|COLORTERM|NO_COLOR|GIT_PROTOCOL)$/;

/** How many variables a client may set, and how long each value may be in UTF-16 units. */
const MAX_VARIABLES = 256;
const MAX_LENGTH = 32 * 1024;

/** The job's environment as a session of a client from `address` gets it. */
export function sessionEnvironment(
  env: Record<string, string>,
  address: string,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !DROPPED.includes(name.toUpperCase()));
  // Addresses and ports of client and server; a websocket has no ports to tell.
  return { ...Object.fromEntries(kept), SSH_CONNECTION: `${address} 0 127.0.0.1 0` };
}

/**
 * The same for a session with a terminal, without the size that a job may have exported for
 * programs that have none.
 *
 * @param term the client's `TERM`
 */
export function terminalEnvironment(
  env: Record<string, string>,
  term: string,
): Record<string, string> {
  const { LINES: _lines, COLUMNS: _columns, ...kept } = env;
  return { ...kept, TERM: term || "dumb" };
}

/**
 * Why a client may not set a variable; undefined if it may. Variables of the agent cannot be set,
 * and with a forced command only harmless ones can: LD_PRELOAD would replace the command.
 *
 * @param set the variables that the client has set so far
 */
export function whyNotSettable(
  name: string,
  value: string,
  set: Record<string, string>,
  forcedCommand: boolean,
): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) return "not a valid variable";
  if (/^(SSH|CONVERGE)_/i.test(name)) return "set by the agent";
  if (forcedCommand && !HARMLESS.test(name)) return "not with a forced command";
  if (Object.keys(set).length >= MAX_VARIABLES || value.length > MAX_LENGTH) {
    return "too many or too long";
  }
}
