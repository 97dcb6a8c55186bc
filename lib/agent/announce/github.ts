/** The announcement for GitHub Actions: a notice, the step's summary and the step's outputs. */

import { openToAppend } from "../../files/write_file.ts";
import type { Log } from "../../log/log.ts";
import { writeAll } from "../../wire/raw_connection.ts";
import type { LogEnvironment } from "./other_commands.ts";
import { type Announcement, commandsFor, facts, loginTrouble, sanitized } from "./announcement.ts";

/** What GitHub Actions tells a step; missing or empty elsewhere. */
export interface GithubEnvironment extends LogEnvironment {
  /** The file for Markdown that is shown once the step is over. */
  GITHUB_STEP_SUMMARY?: string;
  /** The file for values that later steps can use. */
  GITHUB_OUTPUT?: string;
}

/** Escapes the message of a workflow command. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** Escapes a property of a workflow command. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** The workflow command that shows the login command as a notice, ended by a newline. */
export function githubNotice(announcement: Announcement): string {
  const clean = sanitized(announcement);
  const title = escapeProperty(`Converge: log in to ${clean.id}`);
  const message = [...loginTrouble(clean), commandsFor(clean).ssh].join("\n");
  return `::notice title=${title}::${escapeData(message)}\n`;
}

/** The Markdown for the step's summary. */
export function githubSummary(announcement: Announcement): string {
  const clean = sanitized(announcement);
  const { ssh, sftp, tunnel, sshConfig } = commandsFor(clean);
  // Code is shown as it is, and no command begins with the fence.
  const code = (language: string, lines: string[]) => ["~~~~" + language, ...lines, "~~~~", ""];
  return [
    "### Converge",
    "",
    ...code("text", [
      ...facts(clean).map(([name, value]) => `${name.padEnd(13)}${value}`),
      ...loginTrouble(clean),
    ]),
    ...code("sh", [ssh, sftp]),
    "Through a local port:",
    "",
    ...code("sh", [tunnel.tunnel, tunnel.ssh, tunnel.sftp]),
    "In `~/.ssh/config`:",
    "",
    ...code("text", sshConfig),
  ].map((line) => `${line}\n`).join("");
}

/** The step's outputs: `id`, `user`, `fingerprint` and `ssh`, each on one line. */
export function githubOutput(announcement: Announcement): string {
  const clean = sanitized(announcement);
  const { id, username, fingerprint } = clean;
  const outputs = { id, user: username, fingerprint, ssh: commandsFor(clean).ssh };
  return Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`).join("");
}

/**
 * Announces in a job of GitHub Actions; does nothing elsewhere. Logs a file that cannot be written.
 *
 * @param print writes to the job's log, where the runner looks for workflow commands
 */
export async function announceOnGithub(
  announcement: Announcement,
  options: { env: GithubEnvironment; print: (text: string) => void; log: Log },
): Promise<void> {
  const { env, print, log } = options;
  if (env.GITHUB_ACTIONS !== "true") return;
  print(githubNotice(announcement));
  const files = {
    GITHUB_STEP_SUMMARY: githubSummary(announcement),
    GITHUB_OUTPUT: githubOutput(announcement),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = env[name as keyof typeof files];
    if (!path) continue;
    try {
      using file = await openToAppend(path);
      await writeAll(file, new TextEncoder().encode(text));
    } catch (error) {
      log.warn(`cannot write $${name}`, { reason: error });
    }
  }
}
