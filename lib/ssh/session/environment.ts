/**
 * The environment of a session. Pure.
 *
 * @module
 */

/**
 * Variables of the agent's own that a session does not get: secrets, what belongs to an SSH session that
 * the agent itself was started in, and shell options such as `set -e` that a job's script may export.
 */
const DROPPED = [
  "CONVERGE_AGENT_TOKEN",
  "CONVERGE_PASSWORD",
  "CONVERGE_ADMIN_PASSWORD",
  "SSH_CLIENT",
  "SSH_CONNECTION",
  "SSH_ORIGINAL_COMMAND",
  "SSH_TTY",
  "SHELLOPTS",
  "BASHOPTS",
];

/** Variables that do no harm even in a command that a key's owner must not leave. */
const HARMLESS = /^(LANG|LC_[A-Z_]+|COLORTERM|NO_COLOR|GIT_PROTOCOL)$/;

/** How many variables a client may set, and how long each may be. */
const MAX_VARIABLES = 256;
const MAX_LENGTH = 32 * 1024;

/** What the job's environment becomes in each session of a client from `address`. */
export function sessionEnvironment(
  env: Record<string, string>,
  address: string,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !DROPPED.includes(name.toUpperCase()));
  // Addresses and ports of client and server; there is no port at the end of a websocket.
  return { ...Object.fromEntries(kept), SSH_CONNECTION: `${address} 0 127.0.0.1 0` };
}

/**
 * The same for a session with a terminal: that terminal is the client's, so its size is not the one that
 * a job may have exported for programs without a terminal.
 *
 * @param term what the client calls its terminal
 */
export function terminalEnvironment(
  env: Record<string, string>,
  term: string,
): Record<string, string> {
  const { LINES: _lines, COLUMNS: _columns, ...kept } = env;
  return { ...kept, TERM: term || "dumb" };
}

/**
 * Why a client may not set a variable; undefined if it may. What the agent says about itself cannot be
 * set, and with a forced command only the language and such: LD_PRELOAD would replace the command.
 *
 * @param set the variables that the client has set before
 */
export function whyNotSettable(
  name: string,
  value: string,
  set: Record<string, string>,
  forcedCommand: boolean,
): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) return "it is no variable";
  if (/^(SSH|CONVERGE)_/i.test(name)) return "the agent sets it";
  if (forcedCommand && !HARMLESS.test(name)) return "the key has a forced command";
  if (Object.keys(set).length >= MAX_VARIABLES || value.length > MAX_LENGTH) {
    return "it is too much";
  }
}
