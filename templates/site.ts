/** What every page knows about its server. */
export interface Site {
  /** The public address with the base path, without a trailing slash: `https://host/prefix`. */
  http: string;
  /** The same for websockets: `wss://host/prefix`. */
  ws: string;
  /** The base path as a prefix of links: empty or `/prefix`. */
  base: string;
  /** The user name for logging in to agents. */
  username: string;
  /** Whether password login is on. */
  password: boolean;
  /** Whether agents need a token to register. */
  agentToken: boolean;
  version: string;
  /** The action in workflows of GitHub: `OWNER/REPOSITORY@REF`. */
  githubAction?: string;
  /** The jump host of `ssh -J`: its port, and its key as in known_hosts, without a host name. */
  jump?: { port: number; hostKey: string; fingerprint: string };
}
