/**
 * Which shell a session gets, and how it is asked to run something. Pure.
 *
 * @module
 */

/** How a shell is spoken to. */
export type ShellKind = "sh" | "cmd" | "powershell";

/** A shell program. */
export interface Shell {
  /** A path, or a name to look up. */
  file: string;
  /** What comes before its other arguments: busybox is told which of its programs to be. */
  args?: string[];
  kind: ShellKind;
}

/** What the choice of a shell rests on. */
export interface ShellFacts {
  /** `Deno.build.os`. */
  os: typeof Deno.build.os;
  /** What the person asked for, if anything. */
  given?: string;
  env: Record<string, string>;
  /** The shell of the user's entry in passwd(5), or nothing. */
  userShell?: string | null;
  /** Whether there is such a program, by a path or by a name to look up. */
  exists: (file: string) => boolean;
}

/** The shell of all sessions. */
export interface ShellChoice {
  shell: Shell;
  /** For people: why it is not the user's own, if that is so. */
  notice?: string;
}

/** Programs that passwd(5) names as shells so that nobody gets one, by their last part. */
const NO_SHELLS = ["nologin", "false", "true", "sync", "shutdown", "halt"];

/** Shells to try when the user's cannot be used; images have busybox in odd places. */
const OTHER_SHELLS = ["/bin/bash", "/bin/sh", "bash", "sh", "/busybox/sh"];

/** The given shell, else the user's, else the first real one; on Windows PowerShell, else cmd. */
export function chooseShell(facts: ShellFacts): ShellChoice {
  const { os, given, env, exists } = facts;
  const choice = (file: string, args?: string[]) => ({ file, args, kind: shellKind(file) });
  if (given !== undefined) return { shell: choice(given) };
  if (os === "windows") {
    const candidates = ["pwsh.exe", "powershell.exe", env.COMSPEC];
    return { shell: choice(candidates.find((file) => file && exists(file)) ?? "cmd.exe") };
  }
  const own = [env.SHELL, facts.userShell].filter((file) => !!file) as string[];
  const file = [...own, ...OTHER_SHELLS].find((file) => isShell(file) && exists(file));
  const shell = file !== undefined || !exists("busybox")
    ? choice(file ?? "/bin/sh")
    : choice("busybox", ["sh"]);
  if (file === undefined && shell.args === undefined) {
    return { shell, notice: "there is no shell here; SFTP and forwarding work" };
  }
  const [wanted] = own;
  if (wanted === undefined || wanted === file) return { shell };
  const why = isShell(wanted) ? "is missing or not executable" : "is not a shell";
  return { shell, notice: `sessions use "${shell.file}": the user's shell "${wanted}" ${why}` };
}

function isShell(file: string): boolean {
  return !NO_SHELLS.includes(file.split("/").at(-1)!);
}

/** The kind by the program's name; whatever is not from Windows counts as `sh`. */
export function shellKind(file: string): ShellKind {
  const name = file.split(/[\\/]/).at(-1)!.toLowerCase().replace(/\.exe$/, "");
  if (name === "pwsh" || name === "powershell") return "powershell";
  return name === "cmd" ? "cmd" : "sh";
}

/**
 * Arguments of a shell for a person. It reads what interactive shells read, for instance ~/.bashrc,
 * but no profile, which on many systems would replace the PATH that the job has set:
 * docs/decisions/0005-interactive-shells-without-profile.md.
 */
export function interactiveArguments({ args = [], kind }: Shell): string[] {
  return kind === "powershell" ? [...args, "-NoLogo"] : args;
}

/**
 * PowerShell ends with 1 for whatever status a program has that fails last
 * (PowerShell/PowerShell#13501). Behind a line of its own, as the command may end with a comment.
 */
const POWERSHELL_STATUS =
  "\nif (-not $?) { if ($LASTEXITCODE) { exit $LASTEXITCODE } else { exit 1 } }";

/** Arguments that make a shell run `command` and end with its status. */
export function commandArguments({ args = [], kind }: Shell, command: string): string[] {
  switch (kind) {
    case "powershell":
      return ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command + POWERSHELL_STATUS];
    case "cmd":
      return ["/d", "/s", "/c", command];
    case "sh":
      return [...args, "-c", command];
  }
}
