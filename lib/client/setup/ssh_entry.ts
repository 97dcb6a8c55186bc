/** The entry in ssh's configuration behind `ssh ID.converge`. Pure. */
import { quoteSh } from "../../../templates/assets/shared/quote.js";

/** A server that ssh reaches by a suffix. */
export interface SuffixServer {
  /** `ws:` or `wss:`, with the base path if any. */
  url: string;
  /** The name to log in with. */
  username: string;
  /** An absolute path. */
  caFile?: string;
}

export interface EntryOptions extends SuffixServer {
  suffix: string;
  /** The words that start wsproxy. */
  program: string[];
  /** The file of host keys that ssh keeps for these hosts, an absolute path. */
  knownHosts: string;
  windows: boolean;
}

/**
 * The entry for one suffix.
 *
 * ssh hands the name that the person typed, `%n`, to a shell, and before OpenSSH 9.6 whatever it
 * holds; the name may come from a link or a submodule. So it is in single quotes, and names with a
 * single quote are excluded. OpenSSH for Windows uses no shell. wsproxy itself takes a name only if
 * what is before the suffix is a rendez-vous ID.
 */
export function sshEntry(options: EntryOptions): string {
  const { suffix, url, username, caFile, program, knownHosts, windows } = options;
  const quote = windows ? quoteWindows : quoteSh;
  const words = [
    ...program,
    ...(caFile === undefined ? [] : ["--ca-file", caFile]),
    ...["--known-hosts", knownHosts],
    ...["--", url],
  ];
  // ssh expands percent signs in the command.
  const command = words.map(quote).join(" ").replaceAll("%", "%%");
  return [
    `Host *.${suffix} "!*'*"`,
    `  User ${username}`,
    `  ProxyCommand ${command} ${windows ? "%n" : "'%n'"}`,
    // In the second file people pin keys that last; wsproxy never changes it.
    "  UserKnownHostsFile ~/.ssh/converge/known_hosts ~/.ssh/known_hosts",
    "  HashKnownHosts no",
    "  StrictHostKeyChecking ask",
    // Three unanswered messages end it: later than wsproxy's --resume-time.
    "  ServerAliveInterval 120",
  ].map((line) => `${line}\n`).join("");
}

/** For programs that are started without a shell: in double quotes, which paths and URLs lack. */
function quoteWindows(word: string): string {
  return /^[\w:/\\.=-]+$/.test(word) ? word : `"${word.replaceAll('"', "")}"`;
}
