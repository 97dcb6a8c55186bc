/** What people paste on their own computer to get into the job. Pure. */

import { quoteSh } from "../../../templates/assets/shared/quote.js";

/** Where and as whom one logs in. */
export interface LoginTarget {
  /** The rendez-vous ID, under which ssh knows the host key. */
  id: string;
  username: string;
  /** The client URL on the server: `wss://host/client/ID`. */
  url: string;
  /** The agent's host key as authorized_keys has it: `ssh-ed25519 AAAA…`. */
  hostKey: string;
}

/** Commands, each on one line. */
export interface LoginCommands {
  ssh: string;
  sftp: string;
  /** What to run first, and then ssh and sftp in another terminal. */
  tunnel: { tunnel: string; ssh: string; sftp: string };
  /** An entry for ssh_config, after which `ssh ID` does. */
  sshConfig: string[];
  /** For cmd and PowerShell: writes the host key to a file, then ssh and sftp use it. */
  windows: { hostKey: string; ssh: string; sftp: string };
  /** The line for a known_hosts file. */
  knownHosts: string;
}

/** The local port that the tunnel opens. */
const PORT = 10_000;

/**
 * Makes the commands. They pin the host key, so that ssh asks nothing and the server cannot pose as
 * the agent.
 *
 * On POSIX systems the key is in the command itself (KnownHostsCommand of ssh_config(5), OpenSSH 8.5):
 * the program that prints it needs an absolute path and runs without a shell. The older OpenSSH of
 * many Windows systems has no such option, so a file is written there, for cmd and PowerShell alike:
 * each option is in double quotes, because PowerShell tears apart what begins with a hyphen and holds
 * a dot.
 */
export function loginCommands(target: LoginTarget): LoginCommands {
  const { id, url, username, hostKey } = target;
  const knownHosts = `${id} ${hostKey}`;
  const keep = "-oServerAliveInterval=10";
  // ssh gives the command to a shell, and expands percent signs in it first.
  const proxy = `wsproxy ${quoteSh(url)}`.replaceAll("%", "%%");
  const pin = [
    `-oHostKeyAlias=${quoteSh(id)}`,
    `-oKnownHostsCommand=${quoteSh(`/bin/echo ${knownHosts}`)}`,
    "-oUserKnownHostsFile=none",
    "-oStrictHostKeyChecking=yes",
  ];
  const user = username.startsWith("-")
    ? `-oUser=${quoteSh(username)} localhost`
    : quoteSh(`${username}@localhost`);
  const proxied = [keep, `-oProxyCommand=${quoteSh(proxy)}`, ...pin, user].join(" ");

  const file = `${id}.known_hosts`;
  const windows = [
    keep,
    `"-oProxyCommand=wsproxy ${url.replaceAll("%", "%%")}"`,
    `"-oHostKeyAlias=${id}"`,
    `"-oUserKnownHostsFile=${file}"`,
    "-oStrictHostKeyChecking=yes",
    `"-oUser=${username.replaceAll('"', "")}"`,
    "localhost",
  ].join(" ");

  return {
    ssh: `ssh ${proxied}`,
    sftp: `sftp ${proxied}`,
    tunnel: {
      tunnel: `tunnel ${PORT} ${quoteSh(url)}`,
      ssh: ["ssh", keep, ...pin, "-p", PORT, user].join(" "),
      sftp: ["sftp", keep, ...pin, `-oPort=${PORT}`, user].join(" "),
    },
    sshConfig: [
      `Host ${id}`,
      "  HostName localhost",
      `  User "${username.replaceAll('"', "")}"`,
      `  ProxyCommand ${proxy}`,
      `  HostKeyAlias ${id}`,
      `  KnownHostsCommand /bin/echo ${knownHosts}`,
      "  UserKnownHostsFile none",
      "  StrictHostKeyChecking yes",
      "  ServerAliveInterval 10",
    ],
    windows: {
      // The redirection comes first: cmd would take a digit before it for a handle.
      hostKey: `cmd /c ">${file} echo ${knownHosts}"`,
      ssh: `ssh ${windows}`,
      sftp: `sftp ${windows}`,
    },
    knownHosts,
  };
}
