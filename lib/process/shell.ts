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
  kind: ShellKind;
}

/** What the choice of a shell rests on. */
export interface ShellFacts {
  /** `Deno.build.os`. */
  os: typeof Deno.build.os;
  /** What the person asked for, if anything. */
  given?: string;
  env: Record<string, string>;
  /** The contents of /etc/passwd, or nothing. */
  passwd?: string;
  /** The user's number. */
  uid?: number | null;
  /** Whether there is such a program, by a path or by a name to look up. */
  exists: (file: string) => boolean;
}

/** The given shell, else the user's; on Windows PowerShell, else cmd. */
export function chooseShell(facts: ShellFacts): Shell {
  const candidates = facts.os === "windows"
    ? ["pwsh.exe", "powershell.exe", facts.env.COMSPEC]
    : [facts.env.SHELL, passwdShell(facts.passwd ?? "", facts.uid), "/bin/sh"];
  const last = facts.os === "windows" ? "cmd.exe" : "/bin/sh";
  const file = facts.given ?? candidates.find((shell) => shell && facts.exists(shell)) ?? last;
  return { file, kind: shellKind(file) };
}

/** The kind by the program's name; whatever is not from Windows counts as `sh`. */
export function shellKind(file: string): ShellKind {
  const name = file.split(/[\\/]/).at(-1)!.toLowerCase().replace(/\.exe$/, "");
  if (name === "pwsh" || name === "powershell") return "powershell";
  return name === "cmd" ? "cmd" : "sh";
}

function passwdShell(passwd: string, uid?: number | null): string | undefined {
  if (uid === undefined || uid === null) return;
  const entry = passwd.split("\n").map((line) => line.split(":"))
    .find((fields) => fields[2] === String(uid));
  return entry?.[6]?.trim() || undefined;
}

/**
 * Arguments of a shell for a person. It reads what interactive shells read, for instance ~/.bashrc,
 * but no profile, which on many systems would replace the PATH that the job has set:
 * docs/decisions/0005-interactive-shells-without-profile.md.
 */
export function interactiveArguments(kind: ShellKind): string[] {
  switch (kind) {
    case "powershell":
      return ["-NoLogo"];
    case "cmd":
    case "sh":
      return [];
  }
}

/**
 * PowerShell ends with 1 for whatever status a program has that fails last
 * (PowerShell/PowerShell#13501). Behind a line of its own, as the command may end with a comment.
 */
const POWERSHELL_STATUS =
  "\nif (-not $?) { if ($LASTEXITCODE) { exit $LASTEXITCODE } else { exit 1 } }";

/** Arguments that make a shell run `command` and end with its status. */
export function commandArguments(kind: ShellKind, command: string): string[] {
  switch (kind) {
    case "powershell":
      return ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command + POWERSHELL_STATUS];
    case "cmd":
      return ["/d", "/s", "/c", command];
    case "sh":
      return ["-c", command];
  }
}
