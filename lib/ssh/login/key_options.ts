/**
 * The options before a key in authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Pure.
 *
 * @module
 */

import { malformedRange } from "./address_pattern.ts";

/** What a client that logs in with a key may do. */
export interface KeyOptions {
  pty: boolean;
  portForwarding: boolean;
  agentForwarding: boolean;
  x11Forwarding: boolean;
  /** Runs instead of what the client asks for. */
  command?: string;
  /** Added to the environment of each session. */
  environment: Record<string, string>;
  /** Patterns of client addresses, as written. */
  from?: string;
  /** When the key expires, in milliseconds since the epoch. */
  expires?: number;
}

/** An option that cannot be obeyed, which makes its line unusable. */
export class KeyOptionError extends Error {
  override name = "KeyOptionError";
}

/** What a key without options allows, and a password. */
export function unrestricted(): KeyOptions {
  return {
    pty: true,
    portForwarding: true,
    agentForwarding: true,
    x11Forwarding: true,
    environment: {},
  };
}

type Setter = (options: KeyOptions) => void;

const FLAGS: Record<string, Setter> = {
  "pty": (o) => o.pty = true,
  "no-pty": (o) => o.pty = false,
  "port-forwarding": (o) => o.portForwarding = true,
  "no-port-forwarding": (o) => o.portForwarding = false,
  "agent-forwarding": (o) => o.agentForwarding = true,
  "no-agent-forwarding": (o) => o.agentForwarding = false,
  "x11-forwarding": (o) => o.x11Forwarding = true,
  "no-x11-forwarding": (o) => o.x11Forwarding = false,
  "restrict": (o) =>
    o.pty =
      o.portForwarding =
      o.agentForwarding =
      o.x11Forwarding =
        false,
  // No rc file is ever run.
  "user-rc": () => {},
  "no-user-rc": () => {},
};

const VALUES: Record<string, (options: KeyOptions, value: string) => void> = {
  "command": (options, value) => {
    once("command", options.command);
    options.command = value;
  },
  "from": (options, value) => {
    once("from", options.from);
    const malformed = malformedRange(value);
    if (malformed) {
      throw new KeyOptionError(`from="${value}": "${malformed}" is not a valid range`);
    }
    options.from = value;
  },
  "expiry-time": (options, value) => {
    options.expires = Math.min(options.expires ?? Infinity, parseExpiry(value));
  },
  "environment": (options, value) => {
    const [, name, content] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(value) ?? [];
    if (name === undefined) throw new KeyOptionError(`environment="${value}" is not NAME=value`);
    // As in sshd, the first of a name counts.
    if (!Object.hasOwn(options.environment, name)) options.environment[name] = content!;
  },
};

function once(name: string, value: string | undefined): void {
  if (value !== undefined) throw new KeyOptionError(`the option "${name}" is given twice`);
}

/**
 * Reads the options of a line. They apply in their order: `restrict,pty` allows a terminal and
 * nothing else.
 *
 * @param text the line up to the key
 * @throws {KeyOptionError} if one is unknown or malformed
 */
export function parseKeyOptions(text: string): KeyOptions {
  const options = unrestricted();
  for (let rest = text; rest !== "";) {
    const [whole, name, quoted] = /^([A-Za-z0-9-]+)(?:="((?:\\"|[^"])*)")?(?:,|$)/.exec(rest) ?? [];
    if (whole === undefined || whole.length === rest.length && whole.endsWith(",")) {
      throw new KeyOptionError(`malformed option at "${rest.slice(0, 30)}"`);
    }
    apply(options, name!.toLowerCase(), quoted?.replaceAll('\\"', '"'));
    rest = rest.slice(whole.length);
  }
  return options;
}

function apply(options: KeyOptions, name: string, value: string | undefined): void {
  if (value === undefined && Object.hasOwn(FLAGS, name)) FLAGS[name]!(options);
  else if (value !== undefined && Object.hasOwn(VALUES, name)) VALUES[name]!(options, value);
  else if (Object.hasOwn(VALUES, name)) {
    throw new KeyOptionError(`the option "${name}" needs a value in quotes: ${name}="…"`);
  } else throw new KeyOptionError(`the option "${name}" is not supported`);
}

/** Parses `YYYYMMDD[HHMM[SS]][Z]`: local time, or UTC with `Z`. */
function parseExpiry(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i.exec(text);
  if (!match) throw new KeyOptionError(`expiry-time="${text}" is not YYYYMMDD[HHMM[SS]][Z]`);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) =>
    Number(part ?? 0)
  );
  const fields = [year!, month! - 1, day!, hour!, minute!, second!] as const;
  const utc = new Date(Date.UTC(...fields));
  const isDate = utc.getUTCMonth() === fields[1] && utc.getUTCDate() === day &&
    utc.getUTCHours() === hour && utc.getUTCMinutes() === minute;
  if (!isDate) {
    throw new KeyOptionError(`expiry-time="${text}" is not a valid date`);
  }
  return match[7] ? utc.getTime() : new Date(...fields).getTime();
}

/** The index at which a line's options end: the first blank outside quotes. */
export function optionsEnd(line: string): number {
  return /^(?:\\"|"(?:\\"|[^"])*"|[^\s"])*/.exec(line)![0].length;
}
