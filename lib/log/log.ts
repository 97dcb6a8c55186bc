/** One line an event, on stderr, as text for people or JSON for programs. */
import { withoutControlCharacters } from "../text/control_characters.ts";
import { errorMessage } from "../text/error_message.ts";
import { stderrText } from "./text_writer.ts";

/** The levels, least severe first. */
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
  /** The least severe level that is written. @default "info" */
  level?: LogLevel;
  /** Takes one line with its newline. @default stderr */
  write?: (line: string) => void;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** A field as it is written: text comes from the network too. */
function plainValue(value: unknown): unknown {
  if (value instanceof Error) return errorMessage(value);
  return typeof value === "string" ? withoutControlCharacters(value) : value;
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text;
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
  const write = options.write ?? ((line) => stderrText.write(line));
  const threshold = LOG_LEVELS.indexOf(level);
  const line = (lineLevel: LogLevel, event: string, fields: LogFields) => {
    const time = new Date(now()).toISOString();
    const present = Object.entries(fields).filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, plainValue(value)] as const);
    if (format === "json") {
      return JSON.stringify({ time, level: lineLevel, event, ...Object.fromEntries(present) });
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
