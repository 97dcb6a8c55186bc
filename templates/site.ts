/** What every page knows of the server that shows it. */
export interface Site {
  /** The public address with the base path and no slash at its end: `https://host/prefix`. */
  http: string;
  /** The same for websockets: `wss://host/prefix`. */
  ws: string;
  /** The base path as a prefix for links: empty or `/prefix`. */
  base: string;
  /** The only name that can log in at an agent. */
  username: string;
  /** Whether password login is on. */
  password: boolean;
  /** Whether agents must show a token to register. */
  agentToken: boolean;
  version: string;
}
