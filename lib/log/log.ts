/** One line an event, on stderr, as text for people or JSON for programs. */
import { writeText } from "./write_text.ts";

/** How grave an event is, from the least on. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** How a line is written: `text` for people, `json` one object a line. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

export type LogFields = Record<string, unknown>;

/** Writes events; a field must never hold a secret. */
export type Log = Record<LogLevel, (event: string, fields?: LogFields) => void>;

export interface LogOptions {
  /** @default "text" */
  format?: LogFormat;
  /** The least grave level that is written. @default "info" */
  level?: LogLevel;
  /** Takes one line with its newline. @default stderr */
  write?: (line: string) => void;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** Control characters, so that a name from the network can neither forge a line nor drive a terminal. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

function textValue(value: unknown): string {
  const text = value instanceof Error
    ? value.message
    : typeof value === "string"
    ? value
    : JSON.stringify(value);
  return CONTROL.test(text) || /[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text;
}

/**
 * Makes a log.
 *
 * @example
 * ```ts
 * createLog().info("agent registered", { id: "job-1" });
 * // 2026-01-31T12:00:00.000Z info agent registered id=job-1
 * ```
 */
export function createLog(options: LogOptions = {}): Log {
  const { format = "text", level = "info", now = Date.now } = options;
  const write = options.write ?? ((line) => writeText(Deno.stderr, line));
  const threshold = LOG_LEVELS.indexOf(level);
  const line = (lineLevel: LogLevel, event: string, fields: LogFields) => {
    const time = new Date(now()).toISOString();
    const present = Object.entries(fields).filter(([, value]) => value !== undefined);
    if (format === "json") {
      const plain = present.map(([k, v]) => [k, v instanceof Error ? v.message : v]);
      return JSON.stringify({ time, level: lineLevel, event, ...Object.fromEntries(plain) });
    }
    const words = present.map(([key, value]) => `${key}=${textValue(value)}`);
    return [time, lineLevel, event, ...words].join(" ");
  };
  return Object.fromEntries(LOG_LEVELS.map((lineLevel, rank) => [
    lineLevel,
    (event: string, fields: LogFields = {}) => {
      if (rank >= threshold) write(line(lineLevel, event, fields) + "\n");
    },
  ])) as Log;
}
