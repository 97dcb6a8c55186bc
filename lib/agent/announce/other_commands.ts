/**
 * The commands that the block in the job's log leaves out, and how a CI system folds them. Pure.
 */
import { loginCommands } from "../../../templates/assets/shared/login_commands.js";
import { type Announcement, commandsFor, loginTarget, sanitized } from "./announcement.ts";

/** What CI systems tell a job; missing or empty elsewhere. */
export interface LogEnvironment {
  /** `"true"` in a job of GitHub Actions. */
  GITHUB_ACTIONS?: string;
  /** `"true"` in a job of GitLab CI. */
  GITLAB_CI?: string;
  /** `"True"` in a job of Azure Pipelines. */
  TF_BUILD?: string;
}

/** The commands under titles, each on one line so that it can be copied. */
export function otherCommands(
  announcement: Announcement,
  computer: "posix" | "windows",
): string {
  const clean = sanitized(announcement);
  const { id } = clean;
  const { ssh, sftp, tunnel, sshConfig } = commandsFor(clean);
  const sections: [string, string[]][] = [
    ["A shell", [ssh]],
    ["Files", [sftp]],
    ["Through a local port: run the first and leave it running, then one of the others", [
      tunnel.tunnel,
      tunnel.ssh,
      tunnel.sftp,
    ]],
    [`In ~/.ssh/config, for ssh ${id}, sftp ${id} and all that uses ssh`, sshConfig],
  ];
  const windows = loginCommands(loginTarget(clean), "windows");
  const windowsSections: [string, string[]][] = [
    ["On Windows, in cmd or PowerShell: run the first once, then one of the others", [
      windows.writeHostKey!,
      windows.ssh,
      windows.sftp,
    ]],
  ];
  return (computer === "windows" ? windowsSections : sections).flatMap(([title, lines]) => [
    `${title}:`,
    ...lines.map((line) => `  ${line}`),
  ]).map((line) => `${line}\n`).join("");
}

/**
 * Text as a part of the log that is folded at first; undefined where the CI system has no such
 * thing.
 *
 * @param now Unix time in milliseconds
 */
export function folded(
  title: string,
  text: string,
  { env, now }: { env: LogEnvironment; now: number },
): string | undefined {
  if (env.GITHUB_ACTIONS === "true") return `::group::${title}\n${text}::endgroup::\n`;
  if (env.TF_BUILD === "True") return `##[group]${title}\n${text}##[endgroup]\n`;
  if (env.GITLAB_CI !== "true") return undefined;
  const section = (mark: string, options = "") =>
    `\x1b[0Ksection_${mark}:${Math.floor(now / 1000)}:converge${options}\r\x1b[0K`;
  return `${section("start", "[collapsed=true]")}${title}\n${text}${section("end")}\n`;
}
