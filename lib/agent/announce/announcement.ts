/**
 * How the agent tells the job's log that people can log in, and how. Pure.
 *
 * @module
 */

import { formatDuration } from "../../../templates/assets/shared/format.js";
import {
  type LoginCommands,
  loginCommands,
  type LoginTarget,
} from "../../../templates/assets/shared/login_commands.js";
import { withoutControlCharacters } from "../../text/control_characters.ts";
import { formatTime } from "../lifetime/login_message.ts";

/** All there is to announce. */
export interface Announcement {
  /** The rendez-vous ID, under which ssh knows the host key. */
  id: string;
  username: string;
  /** The client URL on the server: `wss://host/client/ID`. */
  url: string;
  /** The agent's host key as authorized_keys has it: `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** The host key's fingerprint: `SHA256:…`. */
  fingerprint: string;
  /** Until when the agent waits, Unix time in milliseconds. */
  deadline: number;
  /** Unix time in milliseconds. */
  now: number;
  /** Whether the hold file exists. */
  held: boolean;
  /** How many keys may log in. */
  keys: number;
  /** The file to put more keys in. */
  keysFile: string;
  /** Whether people can log in with a password too. */
  password: boolean;
  /** The ID that was asked for, if the server gave another one. */
  wantedId?: string;
  /** The name of the file of certificates that the agent needed, which clients need too. */
  caFile?: string;
}

/** The same for programs: what `--json` prints and `--notify-url` gets. */
export interface AnnouncementJson {
  id: string;
  username: string;
  hostKey: string;
  fingerprint: string;
  url: string;
  ssh: string;
  sftp: string;
  tunnel: string;
  sshConfig: string;
  knownHosts: string;
  /** ISO 8601. */
  deadline: string;
  held: boolean;
  keys: number;
  password: boolean;
  /** One sentence and the ssh command; chat systems show this field. */
  text: string;
}

const RULE = "=".repeat(72);

/** Whether to use colours: on a terminal, unless NO_COLOR or TERM say otherwise. */
export function wantsColor(isTerminal: boolean, env: { NO_COLOR?: string; TERM?: string }) {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

/** A copy in which no text of the server's can forge a line or drive a terminal. */
export function sanitized(announcement: Announcement): Announcement {
  const [id, username, url] = [announcement.id, announcement.username, announcement.url]
    .map(withoutControlCharacters) as [string, string, string];
  return { ...announcement, id, username, url };
}

/** What to type on a POSIX system, the host key pinned. */
export function commandsFor(announcement: Announcement): LoginCommands {
  return loginCommands(loginTarget(announcement));
}

function loginTarget({ id, username, url, hostKey, caFile }: Announcement): LoginTarget {
  return { alias: id, username, url, hostKey, caFile };
}

/** Names and values of the facts in the announcement. */
export function facts(announcement: Announcement): [name: string, value: string][] {
  const { id, username, fingerprint, hostKey, deadline, now, held } = announcement;
  const until = `${formatTime(deadline)}, for ${formatDuration(deadline - now)}`;
  return [
    ["ID", id],
    ["User", username],
    ["Host key", `${fingerprint} (${hostKey.split(" ")[0]})`],
    ["Waits until", held ? `${until}, and after the last shell ends` : until],
    ["Login with", loginWays(announcement)],
  ];
}

function loginWays({ keys, password }: Announcement): string {
  const count = keys === 1 ? "1 key" : `${keys} keys`;
  const ways = [...(keys > 0 ? [count] : []), ...(password ? ["the server's password"] : [])];
  return ways.join(", or ") || "nothing yet, see below";
}

/** The announcement in one line, with `until` when there is room for it. */
function headline(announcement: Announcement, until = ""): string {
  const { id } = announcement;
  return loginTrouble(announcement).length > 0
    ? `the job ${id} waits${until}, but nobody can log in yet`
    : `you can log in to the job ${id}${until}`;
}

/** What is wrong if nobody can log in, and how to fix it; empty if somebody can. */
export function loginTrouble(announcement: Announcement): string[] {
  const { keys, password, keysFile, wantedId } = announcement;
  if (keys > 0 || password) return [];
  const noPassword = wantedId
    ? "the server's password opens only agents that have the ID they asked for"
    : "the server has no password";
  const file = keysFile.includes(" ") ? `"${keysFile}"` : keysFile;
  return [
    `Nobody can log in: ${keysFile} has no usable key, and ${noPassword}.`,
    "Add public keys to the file, one a line. It is read at each login, so you can do this now:",
    `  echo ssh-ed25519 AAAA... you@example.org >> ${file}`,
    "Or start the agent with --github-user, --gitlab-user or --keys-url.",
  ];
}

/**
 * The block for the job's log, ended by a newline.
 *
 * @param options.color whether to use bold and red
 */
export function announcementBlock(
  announcement: Announcement,
  options: { color: boolean },
): string {
  const clean = sanitized(announcement);
  const paint = (code: string, text: string) =>
    options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  const { wantedId } = clean;
  const trouble = loginTrouble(clean);
  return [
    "",
    RULE,
    paint("1", `Converge: ${headline(clean)}`),
    ...(wantedId ? [`Another agent has the ID ${wantedId}; the server assigned this one.`] : []),
    "",
    ...facts(clean).map(([name, value]) => `  ${paint("1", name.padEnd(13))}${value}`),
    ...(trouble.length > 0 ? ["", ...trouble.map((line) => `  ${paint("31", line)}`)] : []),
    ...commandLines(clean, (title) => paint("1", title)),
    RULE,
    "",
  ].map((line) => `${line}\n`).join("");
}

/** The commands under titles, indented, each on one line so that it can be copied. */
function commandLines(announcement: Announcement, title: (text: string) => string): string[] {
  const { id } = announcement;
  const { ssh, sftp, tunnel, sshConfig } = commandsFor(announcement);
  const windows = loginCommands(loginTarget(announcement), "windows");
  const sections: [string, string[]][] = [
    ["A shell", [ssh]],
    ["Files", [sftp]],
    ["Through a local port: run the first and leave it running, then one of the others", [
      tunnel.tunnel,
      tunnel.ssh,
      tunnel.sftp,
    ]],
    [`In ~/.ssh/config, for ssh ${id}, sftp ${id} and all that uses ssh`, sshConfig],
    ["On Windows, in cmd or PowerShell: run the first once, then one of the others", [
      windows.writeHostKey!,
      windows.ssh,
      windows.sftp,
    ]],
  ];
  return sections.flatMap(([name, lines]) => [
    "",
    `  ${title(`${name}:`)}`,
    ...lines.map((line) => `    ${line}`),
  ]);
}

/** The announcement as data. */
export function announcementJson(announcement: Announcement): AnnouncementJson {
  const clean = sanitized(announcement);
  const { id, username, hostKey, fingerprint, url, deadline, held, keys, password } = clean;
  const { ssh, sftp, tunnel, sshConfig } = commandsFor(clean);
  const until = ` until ${formatTime(deadline)} (${formatDuration(deadline - clean.now)})`;
  return {
    id,
    username,
    hostKey,
    fingerprint,
    url,
    ssh,
    sftp,
    tunnel: tunnel.tunnel,
    sshConfig: sshConfig.join("\n"),
    knownHosts: `${id} ${hostKey}`,
    deadline: new Date(deadline).toISOString(),
    held,
    keys,
    password,
    text: `Converge: ${headline(clean, until)}: ${ssh}`,
  };
}
