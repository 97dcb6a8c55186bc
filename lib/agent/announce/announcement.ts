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
import { quoteSh } from "../../../templates/assets/shared/quote.js";
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
  /** Its host keys of other types, which no command names. */
  moreHostKeys?: string[];
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
  /** Whose they are, as far as their comments tell. */
  owners?: string[];
  /** The file to put more keys in. */
  keysFile: string;
  /** Why that file has no usable key, if it has none: `FILE …`. */
  keysProblem?: string;
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

/** Whether to use colours: on a terminal, unless NO_COLOR or TERM say otherwise. */
export function wantsColor(isTerminal: boolean, env: { NO_COLOR?: string; TERM?: string }) {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

/** A copy in which no text of the server's can forge a line or drive a terminal. */
export function sanitized(announcement: Announcement): Announcement {
  const [id, username, url] = [announcement.id, announcement.username, announcement.url]
    .map(withoutControlCharacters) as [string, string, string];
  const owners = announcement.owners?.map((name) => withoutControlCharacters(name).slice(0, 40));
  return { ...announcement, id, username, url, owners };
}

/** What to type on a POSIX system, the host key pinned. */
export function commandsFor(announcement: Announcement): LoginCommands {
  return loginCommands(loginTarget(announcement));
}

/** The same as {@link loginCommands} takes it. */
export function loginTarget({ id, username, url, hostKey, caFile }: Announcement): LoginTarget {
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

/** The most owners of keys to name. */
const MAX_OWNERS = 5;

function loginWays({ keys, owners = [], password }: Announcement): string {
  const count = keys === 1 ? "1 key" : `${keys} keys`;
  const names = [...owners.slice(0, MAX_OWNERS), ...(owners.length > MAX_OWNERS ? ["…"] : [])];
  const whose = names.length > 0 ? ` (${names.join(", ")})` : "";
  const ways = [
    ...(keys > 0 ? [count + whose] : []),
    ...(password ? ["the server's password"] : []),
  ];
  return ways.join(", or ") || "nothing yet";
}

/** The announcement in one line, without the command. */
function headline(announcement: Announcement): string {
  const { id, deadline, now, held } = announcement;
  const until = `until ${formatTime(deadline)}, for ${formatDuration(deadline - now)}` +
    (held ? ", and after the last shell ends" : "");
  return loginTrouble(announcement).length > 0
    ? `the job ${id} waits ${until}, but nobody can log in yet`
    : `you can log in to the job ${id} ${until}`;
}

/** Why no key or password can log in, and how to fix it; empty if one can. */
export function loginTrouble(announcement: Announcement): string[] {
  const { keys, password, keysFile, keysProblem, wantedId } = announcement;
  if (keys > 0 || password) return [];
  const noPassword = wantedId
    ? "the server's password opens only agents that have the ID they asked for"
    : "the server has no password";
  const file = keysFile.includes(" ") ? `"${keysFile}"` : keysFile;
  return [
    `Nobody can log in: ${keysProblem ?? `${keysFile} has no key`}, and ${noPassword}.`,
    "To log in now, add a public key: " +
    `echo ssh-ed25519 AAAA... you@example.org >> ${file}`,
  ];
}

/**
 * The block for the job's log, at most eight lines, ended by a newline.
 *
 * @param options.color whether to use bold and red
 * @param options.more where the other commands are, if they are not in the log
 */
export function announcementBlock(
  announcement: Announcement,
  options: { color: boolean; more?: string },
): string {
  const clean = sanitized(announcement);
  const { id, fingerprint, hostKey, wantedId } = clean;
  const paint = (code: string, text: string) =>
    options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  const trouble = loginTrouble(clean);
  return [
    paint("1", `Converge: ${headline(clean)}`),
    ...(wantedId ? [`  Another agent has the ID ${wantedId}; the server assigned this one.`] : []),
    ...trouble.map((line) => `  ${paint("31", line)}`),
    `  ${commandsFor(clean).ssh}`,
    ...(trouble.length > 0
      ? []
      : [`  or: ssh ${id}.converge, once "${setupCommand(clean)}" has run on your computer`]),
    `  Host key ${fingerprint} (${hostKey.split(" ")[0]})`,
    ...(trouble.length > 0 ? [] : [`  Login with ${loginWays(clean)}`]),
    ...(options.more === undefined ? [] : [`  Other commands: ${options.more}`]),
  ].map((line) => `${line}\n`).join("");
}

/** The command after which `ssh ID.converge` works. */
function setupCommand({ url, caFile }: Announcement): string {
  const server = url.replace(/^ws/, "http").replace(/\/client\/[^/]*$/, "");
  return ["wsproxy setup", ...(caFile ? ["--ca-file", quoteSh(caFile)] : []), quoteSh(server)]
    .join(" ");
}

/** The announcement as data. */
export function announcementJson(announcement: Announcement): AnnouncementJson {
  const clean = sanitized(announcement);
  const { id, username, hostKey, fingerprint, url, deadline, held, keys, password } = clean;
  const { ssh, sftp, tunnel, sshConfig } = commandsFor(clean);
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
    knownHosts: [hostKey, ...clean.moreHostKeys ?? []].map((key) => `${id} ${key}`).join("\n"),
    deadline: new Date(deadline).toISOString(),
    held,
    keys,
    password,
    text: `Converge: ${headline(clean)}: ${ssh}`,
  };
}
