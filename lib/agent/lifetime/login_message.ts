/** What a shell is told about the agent's lifetime. Pure; terminal_overlay.ts draws it. */

import { formatDuration } from "../../../templates/assets/shared/format.js";
import type { LifetimeMode } from "./lifetime.ts";
import type { ShellKind } from "../../process/shell.ts";

/** The commands for the hold file in one kind of shell. */
export interface HoldCommands {
  /** Creates the hold file. */
  make: string;
  /** Sets its time to one hour from now. */
  extend: string;
  /** Removes it. */
  remove: string;
}

/**
 * The commands for the hold file.
 *
 * @param os where they run: `touch -d '+1 hour'` is for GNU alone, other systems get a longer form
 */
export function holdCommands(kind: ShellKind, os: typeof Deno.build.os): HoldCommands {
  const setTime = "(New-Item -Force $env:CONVERGE_HOLD).LastWriteTime = (Get-Date).AddHours(1)";
  if (kind === "powershell") {
    return {
      make: "New-Item -Force $env:CONVERGE_HOLD",
      extend: setTime,
      remove: "Remove-Item -Force -LiteralPath $env:CONVERGE_HOLD",
    };
  }
  if (kind === "cmd") {
    return {
      make: `type nul > "%CONVERGE_HOLD%"`,
      extend: `powershell -NoProfile -Command "${setTime}"`,
      remove: `del "%CONVERGE_HOLD%"`,
    };
  }
  return {
    make: `touch "$CONVERGE_HOLD"`,
    // POSIX has no relative times; a time zone one hour ahead gives the digits of in an hour.
    extend: os === "linux"
      ? `touch -d '+1 hour' "$CONVERGE_HOLD"`
      : `TZ=UTC touch -t "$(TZ=UTC-1 date +%Y%m%d%H%M)" "$CONVERGE_HOLD"`,
    remove: `rm "$CONVERGE_HOLD"`,
  };
}

export interface LoginMessageOptions {
  /** The rendez-vous ID. */
  id: string;
  shell: ShellKind;
  os: typeof Deno.build.os;
  /** Until when the agent waits without input, Unix time in milliseconds. */
  deadline: number;
  /** Unix time in milliseconds. */
  now: number;
  /** How much each input adds, in milliseconds. */
  expiry: number;
  /** Whether the hold file exists. */
  held: boolean;
  /** What keeps the agent. */
  mode: LifetimeMode;
  /** What is not as people expect, a sentence each without its end. */
  notices?: string[];
}

/** What happens with the hold file and without, and what its command is for. */
const RULES = {
  foreground: [
    "The agent stays when the last shell ends. To let it end then",
    "The agent ends when the last shell ends. To keep it",
  ],
  background: [
    "The agent stays while the job runs, and the job waits for it at its end. To let it go on then",
    "The agent stays while the job runs; at its end the job waits for open shells. To make it wait" +
    " without one",
  ],
} as const;

/** The rules in a few lines, ended by `\n` each, for the shell that has just opened. */
export function loginMessage(options: LoginMessageOptions): string {
  const { id, shell, os, deadline, now, expiry, held, mode, notices = [] } = options;
  const { make, extend, remove } = holdCommands(shell, os);
  const [stays, ends] = RULES[mode === "background" ? "background" : "foreground"];
  const lines = held ? [`${stays}:`, `    ${remove}`] : [`${ends}:`, `    ${make}`];
  return [
    `Converge: you are logged in to the job ${id}.`,
    ...notices.map((notice) => `Note: ${notice}.`),
    ...lines,
    `Without input it ends at ${formatTime(deadline)}, in ${formatDuration(deadline - now)}; ` +
    `each input resets that to ${formatDuration(expiry)}.`,
    "To keep it for an hour from now:",
    `    ${extend}`,
  ].map((line) => `${line}\n`).join("");
}

/** What an open shell is told, on one line. */
export function warningText(options: {
  kind: "near" | "extended";
  /** Milliseconds. */
  left: number;
  /** Unix time in milliseconds. */
  deadline: number;
}): string {
  const { kind, left, deadline } = options;
  const when = `at ${formatTime(deadline)}, in ${formatDuration(left)}`;
  return kind === "near"
    ? `Converge: the agent ends ${when}. Type anything to keep it.`
    : `Converge: the agent now ends ${when}.`;
}

/** Why the agent ends, for people. */
export const END_REASONS = {
  logout: "the last shell ended",
  released: "the job is over and no session is open",
  deadline: "there was no input for too long",
  stopped: "it was stopped",
  cancelled: "the job was cancelled",
  failed: "it failed, see its log",
} as const;

/**
 * Why the agent ends, on one line.
 *
 * @param by who stopped it
 */
export function endReason(reason: keyof typeof END_REASONS, by?: string): string {
  return by === undefined ? END_REASONS[reason] : `${END_REASONS[reason]} by ${by}`;
}

/** What a shell is told when the agent ends, on one line. */
export function endText(reason: keyof typeof END_REASONS, by?: string): string {
  return `Converge: the agent ends: ${endReason(reason, by)}.`;
}

/**
 * What is shown before the login when another agent has asked for this one's ID, because people of
 * that other job may be here by mistake.
 */
export function contestedText(
  { id, contestedAt, fingerprint }: { id: string; contestedAt: number; fingerprint: string },
): string {
  // What the server says may be no date at all.
  const time = formatTime(Math.max(0, Math.min(contestedAt, Date.now())));
  return [
    `Converge: at ${time} another agent asked for the ID ${id} and got another one.`,
    `This agent had it before; its host key is ${fingerprint}. Make sure that it is your job.`,
    "",
  ].join("\r\n");
}

/** A time of day, in UTC as the clocks of CI systems are. */
export function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}
