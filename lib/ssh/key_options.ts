/** What a line of authorized_keys allows those who log in with its key. */
export interface KeyOptions {
  pty: boolean;
  portForwarding: boolean;
  agentForwarding: boolean;
  x11Forwarding: boolean;
  /** Runs in place of whatever the client asks for. */
  command?: string;
  /** Added to the environment of each session. */
  environment: Record<string, string>;
  /** Patterns of client addresses, as written. */
  from?: string;
  /** Unix time in milliseconds from which on the key lets nobody in. */
  expires?: number;
}

/** What a line without options allows, and a password. */
export function unrestricted(): KeyOptions {
  return {
    pty: true,
    portForwarding: true,
    agentForwarding: true,
    x11Forwarding: true,
    environment: {},
  };
}
