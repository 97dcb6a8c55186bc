import { deepEqual, equal, match } from "node:assert/strict";
import {
  chooseShell,
  commandArguments,
  interactiveArguments,
  type Shell,
  shellKind,
} from "../../lib/process/shell.ts";

const everything = () => true;

Deno.test("chooseShell() takes the given one before all others", () => {
  const facts = { os: "linux", env: { SHELL: "/bin/zsh" }, exists: everything } as const;
  deepEqual(chooseShell({ ...facts, given: "/opt/bash" }).shell.file, "/opt/bash");
});

/** What there is, what it says of the user's shell, and what is chosen. */
const CHOICES: {
  name: string;
  shell?: string;
  passwd?: string;
  programs: string[];
  chosen: string;
  notice?: RegExp;
}[] = [
  {
    name: "SHELL",
    shell: "/bin/zsh",
    passwd: "/a",
    programs: ["/bin/zsh", "/a"],
    chosen: "/bin/zsh",
  },
  { name: "passwd", passwd: "/usr/bin/fish", programs: ["/usr/bin/fish"], chosen: "/usr/bin/fish" },
  { name: "an empty SHELL", shell: "", passwd: "/a", programs: ["/a"], chosen: "/a" },
  { name: "nothing known", programs: ["/bin/bash", "/bin/sh"], chosen: "/bin/bash" },
  { name: "sh alone", programs: ["/bin/sh"], chosen: "/bin/sh" },
  { name: "bash in PATH", programs: ["bash", "sh"], chosen: "bash" },
  { name: "sh in PATH", programs: ["sh"], chosen: "sh" },
  { name: "busybox's directory", programs: ["/busybox/sh"], chosen: "/busybox/sh" },
  { name: "busybox", programs: ["busybox"], chosen: "busybox sh" },
  {
    name: "a SHELL that is missing",
    shell: "/no/zsh",
    passwd: "/bin/sh",
    programs: ["/bin/sh"],
    chosen: "/bin/sh",
    notice: /^sessions use "\/bin\/sh": .*"\/no\/zsh" is missing or not executable$/,
  },
  ...["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/true", "/bin/sync"].flatMap(
    (shell) =>
      [
        { shell, name: `SHELL=${shell}` },
        { passwd: shell, name: `${shell} in passwd` },
        { shell, passwd: shell, name: `${shell} in both` },
      ].map((facts) => ({
        ...facts,
        programs: [shell, "/bin/bash"],
        chosen: "/bin/bash",
        notice: new RegExp(`"/bin/bash": the user's shell "${shell}" is not a shell$`),
      })),
  ),
  { name: "nothing at all", programs: [], chosen: "/bin/sh", notice: /^there is no shell here;/ },
];

for (const { name, shell, passwd, programs, chosen, notice } of CHOICES) {
  Deno.test(`chooseShell() takes ${chosen} with ${name}`, () => {
    const exists = (file: string) => programs.includes(file);
    const env: Record<string, string> = shell === undefined ? {} : { SHELL: shell };
    const choice = chooseShell({ os: "linux", env, userShell: passwd ?? null, exists });
    equal([choice.shell.file, ...choice.shell.args ?? []].join(" "), chosen);
    match(choice.notice ?? "", notice ?? /^$/);
  });
}

Deno.test("chooseShell() takes PowerShell, else cmd, on Windows", () => {
  const choose = (exists: (file: string) => boolean) => {
    const env = { COMSPEC: "C:\\Windows\\system32\\cmd.exe" };
    const { file, kind } = chooseShell({ os: "windows", env, exists }).shell;
    return [file, kind];
  };
  deepEqual(choose(everything), ["pwsh.exe", "powershell"]);
  deepEqual(choose((file) => file !== "pwsh.exe"), ["powershell.exe", "powershell"]);
  const cmd = "C:\\Windows\\system32\\cmd.exe";
  deepEqual(choose((file) => file.endsWith("cmd.exe")), [cmd, "cmd"]);
  deepEqual(choose(() => false), ["cmd.exe", "cmd"]);
});

Deno.test("shellKind() goes by the program's name", () => {
  equal(shellKind("/usr/bin/bash"), "sh");
  equal(shellKind("pwsh"), "powershell");
  equal(shellKind("C:/Program Files/PowerShell/7/pwsh.exe"), "powershell");
  equal(shellKind("C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\PowerShell.EXE"), "powershell");
  equal(shellKind("C:\\Windows\\System32\\CMD.exe"), "cmd");
  equal(shellKind("C:/Program Files/PowerShell/7/pwsh.exe"), "powershell");
  equal(shellKind("C:\\Program Files\\Git\\bin\\bash.exe"), "sh");
});

Deno.test("arguments fit the shell", () => {
  const sh: Shell = { file: "sh", kind: "sh" };
  const busybox: Shell = { file: "busybox", args: ["sh"], kind: "sh" };
  const powershell: Shell = { file: "pwsh.exe", kind: "powershell" };
  deepEqual(interactiveArguments(sh), []);
  deepEqual(interactiveArguments(busybox), ["sh"]);
  deepEqual(interactiveArguments(powershell), ["-NoLogo"]);
  deepEqual(commandArguments(sh, "a | b"), ["-c", "a | b"]);
  deepEqual(commandArguments(busybox, "a | b"), ["sh", "-c", "a | b"]);
  deepEqual(commandArguments({ file: "cmd.exe", kind: "cmd" }, "dir"), ["/d", "/s", "/c", "dir"]);
  match(
    commandArguments(powershell, "dir # all").at(-1)!,
    /^dir # all\n.*\bexit \$LASTEXITCODE\b/,
  );
});
