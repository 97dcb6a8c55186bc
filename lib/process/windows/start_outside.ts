/**
 * Starts a program that belongs to no job object of this process, through WMI: its service starts
 * the program for this user. GitHub's runner has a job object for each step, which programs cannot
 * leave by themselves.
 *
 * @module
 */
import { commandLine } from "./command_line.ts";

/** What to start. */
export interface OutsideOptions {
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/**
 * Reads what to start from stdin, so that nothing of it is in an argument, and prints
 * Win32_Process.Create's result, and the process ID.
 */
const SCRIPT = `
$ErrorActionPreference = 'Stop'
$wanted = [Console]::In.ReadToEnd() | ConvertFrom-Json
$startup = New-CimInstance -ClientOnly -Namespace root/cimv2 -ClassName Win32_ProcessStartup -Property @{
  ShowWindow = [uint16]0
  EnvironmentVariables = [string[]]$wanted.environment
}
$result = Invoke-CimMethod -Namespace root/cimv2 -ClassName Win32_Process -MethodName Create -Arguments @{
  CommandLine = [string]$wanted.commandLine
  CurrentDirectory = [string]$wanted.directory
  ProcessStartupInformation = [CimInstance]$startup
}
"$($result.ReturnValue) $($result.ProcessId)"
`;

/** What {@link SCRIPT} reads, in ASCII: PowerShell reads stdin in the console's code page. */
export function wantedProcess({ file, args, cwd, env }: OutsideOptions): string {
  const json = JSON.stringify({
    commandLine: commandLine(file, args),
    directory: cwd,
    environment: Object.entries(env).map(([name, value]) => `${name}=${value}`),
  });
  return json.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Starts a program.
 *
 * @returns its process ID
 * @throws {Error} if it cannot be started
 */
export async function startOutside(options: OutsideOptions): Promise<number> {
  const powershell = new Deno.Command("powershell.exe", {
    args: ["-NoProfile", "-NonInteractive", "-Command", SCRIPT],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = powershell.output();
  const input = new Blob([wantedProcess(options)]).stream();
  await input.pipeTo(powershell.stdin).catch(() => {}); // Its output says why it has ended.
  const { stdout, stderr } = await output;
  const decoder = new TextDecoder();
  const [, result, pid] = decoder.decode(stdout).match(/^(\d+) (\d*)\s*$/) ?? [];
  if (result === "0" && pid) return Number(pid);
  const answer = result === undefined ? "" : `Win32_Process.Create returned ${result}`;
  const why = answer || decoder.decode(stderr).trim() || "PowerShell gave no answer";
  throw new Error(`cannot start a program through WMI: ${why}`);
}
