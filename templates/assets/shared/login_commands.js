// @ts-check
/**
 * The commands that log in to a job, as the agent announces them and the pages show them.
 *
 * @module
 */

import { quoteSh } from "./quote.js";

/** The local port that the tunnel opens. */
const PORT = 10000;

/**
 * ssh gives a connection up after three unanswered messages, which must be later than wsproxy and
 * tunnel do: six minutes at least, with five for them.
 */
/** Stands for an ID in commands that a person completes. */
export const ANY_ID = "ID";

const KEEP = "-oServerAliveInterval=120";

/**
 * Where to log in, and as whom.
 *
 * @typedef {object} LoginTarget
 * @property {string} username
 * @property {string} url the client URL on the server: `wss://host/client/ID`
 * @property {string} [alias] the name under which ssh keeps the host key; default: localhost
 * @property {string} [hostKey] of the agent, in the form of authorized_keys: `ssh-ed25519 AAAA…`.
 * With it ssh asks nothing, and the server cannot impersonate the agent; needs `alias`
 * @property {string} [bridge] what connects stdin and stdout to the websocket; default: wsproxy
 * @property {string} [caFile] a file of certificates that wsproxy and tunnel need
 * @property {string} [jump] the jump host, as ssh's -J takes it: `HOST:PORT`; needs `alias`
 */

/**
 * Commands, each on one line.
 *
 * @typedef {object} LoginCommands
 * @property {string} [writeHostKey] to run once before the others, if present
 * @property {string} ssh
 * @property {string} sftp
 * @property {{ tunnel: string, ssh: string, sftp: string }} tunnel the first keeps running; ssh and
 * sftp go in another terminal
 * @property {{ ssh: string, sftp: string }} [jump] through the jump host, with no program of ours
 * @property {string[]} sshConfig an entry of ssh_config for `ssh ALIAS`
 */

/**
 * How to quote for the shells of a system.
 *
 * @typedef {object} Style
 * @property {(option: string, value: string) => string} argument one argument
 * @property {(url: string) => string} word a word of the proxy command, which ssh passes to a shell
 * @property {(alias: string, hostKey: string) => [option: string, value: string][]} pin options of
 * ssh that name the host key
 * @property {string} nowhere a file that is always empty, for keys that ssh is not to keep
 */

/**
 * The key is in the command itself (KnownHostsCommand of ssh_config(5), OpenSSH 8.5). The program that
 * prints it needs an absolute path and runs without a shell.
 *
 * @type {Style}
 */
const POSIX = {
  argument: (option, value) => option + quoteSh(value),
  word: quoteSh,
  pin: (alias, hostKey) => [
    ["KnownHostsCommand", `/bin/echo ${alias} ${hostKey}`],
    ["UserKnownHostsFile", "none"],
  ],
  nowhere: "/dev/null",
};

/**
 * For both cmd and PowerShell. PowerShell splits bare arguments that begin with a hyphen and contain a
 * dot, so these are in double quotes. The OpenSSH of many Windows systems is too old for
 * KnownHostsCommand, so the key goes to a file.
 *
 * @type {Style}
 */
const WINDOWS = {
  argument: (option, value) =>
    /^[\w@:/-]+$/.test(option + value) ? option + value : `"${option}${value.replaceAll('"', "")}"`,
  word: (url) => url,
  pin: (alias) => [["UserKnownHostsFile", `${alias}.known_hosts`]],
  nowhere: "NUL",
};

/**
 * @param {LoginTarget} target
 * @param {"posix" | "windows"} computer
 * @returns {LoginCommands}
 */
export function loginCommands(target, computer = "posix") {
  const { url, alias, hostKey, caFile, jump, bridge = "wsproxy" } = target;
  const style = computer === "windows" ? WINDOWS : POSIX;
  const trust = caFile === undefined ? "" : `--ca-file ${style.word(caFile)} `;
  // ssh expands percent signs in the command.
  const proxy = `${bridge} ${trust}${style.word(url)}`.replaceAll("%", "%%");
  const known = knownHost(target, style);
  const options = known.map(([name, value]) => style.argument(`-o${name}=`, value));
  // Through a jump host the agent's name is its host name, so no HostKeyAlias is needed.
  const direct = options.slice(1);
  const proxied = [KEEP, style.argument("-oProxyCommand=", proxy), ...options];
  const user = userArgument(target, style);
  const agent = userArgument(target, style, alias);
  return {
    writeHostKey: computer === "windows" && hostKey !== undefined
      // The redirection comes first: cmd reads a digit before it as a handle.
      ? `cmd /c ">${alias}.known_hosts echo ${alias} ${hostKey}"`
      : undefined,
    ssh: ["ssh", ...proxied, user].join(" "),
    sftp: ["sftp", ...proxied, user].join(" "),
    tunnel: {
      tunnel: `tunnel ${trust}${PORT} ${style.argument("", url)}`,
      ssh: ["ssh", KEEP, ...options, "-p", PORT, user].join(" "),
      sftp: ["sftp", KEEP, ...options, `-oPort=${PORT}`, user].join(" "),
    },
    jump: jump === undefined || alias === undefined ? undefined : {
      ssh: ["ssh", jumpArgument(jump, alias, style), ...direct, agent].join(" "),
      sftp: ["sftp", jumpArgument(jump, alias, style), ...direct, agent].join(" "),
    },
    sshConfig: [
      `Host ${alias ?? "localhost"}`,
      "  HostName localhost",
      `  User ${configWord(target.username)}`,
      `  ProxyCommand ${proxy}`,
      ...known.map(([name, value]) => `  ${name} ${value}`),
      "  ServerAliveInterval 120",
    ],
  };
}

/**
 * The option of ssh that leads through a jump host. `-J` asks that for the name in lower case, so
 * an ID with capitals needs what `-J` stands for.
 *
 * @param {string} jump
 * @param {string} alias
 * @param {Style} style
 * @returns {string}
 */
function jumpArgument(jump, alias, style) {
  if (alias === ANY_ID || !/[A-Z]/.test(alias)) return `-J ${jump}`;
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(jump) ?? [];
  return style.argument("-oProxyCommand=", `ssh -p ${port} -W ${alias}:22 ${host}`);
}

/**
 * Options of ssh that select or pin the host key. A key that is not pinned is asked about each time
 * and not kept: the next run of the job has another one.
 *
 * @param {LoginTarget} target
 * @param {Style} style
 * @returns {[name: string, value: string][]}
 */
function knownHost({ alias, hostKey }, style) {
  if (alias === undefined) return [["UserKnownHostsFile", style.nowhere]];
  if (hostKey === undefined) {
    return [["HostKeyAlias", alias], ["UserKnownHostsFile", style.nowhere]];
  }
  return [["HostKeyAlias", alias], ...style.pin(alias, hostKey), ["StrictHostKeyChecking", "yes"]];
}

/**
 * @param {LoginTarget} target
 * @param {Style} style
 * @param {string} [host]
 * @returns {string}
 */
function userArgument({ username }, style, host = "localhost") {
  return username.startsWith("-")
    ? `${style.argument("-oUser=", username)} ${style.argument("", host)}`
    : style.argument("", `${username}@${host}`);
}

/**
 * A word of ssh_config.
 *
 * @param {string} text
 * @returns {string}
 */
function configWord(text) {
  return /^[\w.-]+$/.test(text) ? text : `"${text.replaceAll('"', "")}"`;
}
