import { deepEqual, equal, match } from "node:assert/strict";
import {
  chooseShell,
  commandArguments,
  interactiveArguments,
  shellKind,
} from "../../lib/process/shell.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann,,,:/home/ann:/usr/bin/fish\n";
const everything = () => true;
const nothing = () => false;

Deno.test("chooseShell() takes the given one before all others", () => {
  const facts = { os: "linux", env: { SHELL: "/bin/zsh" }, exists: everything } as const;
  deepEqual(chooseShell({ ...facts, given: "/opt/bash" }), { file: "/opt/bash", kind: "sh" });
});

Deno.test("chooseShell() takes $SHELL, else the user's, else /bin/sh", () => {
  const facts = { os: "linux", passwd: PASSWD, uid: 1000 } as const;
  const choose = (env: Record<string, string>, exists: (file: string) => boolean) =>
    chooseShell({ ...facts, env, exists }).file;
  equal(choose({ SHELL: "/bin/zsh" }, everything), "/bin/zsh");
  equal(choose({}, everything), "/usr/bin/fish");
  equal(choose({ SHELL: "/no/zsh" }, (file) => file !== "/no/zsh"), "/usr/bin/fish");
  equal(choose({ SHELL: "/bin/zsh" }, nothing), "/bin/sh");
  equal(chooseShell({ os: "linux", env: {}, exists: everything }).file, "/bin/sh");
  equal(chooseShell({ ...facts, uid: 4711, env: {}, exists: everything }).file, "/bin/sh");
});

Deno.test("chooseShell() takes PowerShell, else cmd, on Windows", () => {
  const choose = (exists: (file: string) => boolean) =>
    chooseShell({ os: "windows", env: { COMSPEC: "C:\\Windows\\system32\\cmd.exe" }, exists });
  deepEqual(choose(everything), { file: "pwsh.exe", kind: "powershell" });
  deepEqual(choose((file) => file !== "pwsh.exe"), { file: "powershell.exe", kind: "powershell" });
  deepEqual(choose((file) => file.endsWith("cmd.exe")), {
    file: "C:\\Windows\\system32\\cmd.exe",
    kind: "cmd",
  });
  deepEqual(choose(nothing), { file: "cmd.exe", kind: "cmd" });
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
  deepEqual(interactiveArguments("sh"), []);
  deepEqual(interactiveArguments("powershell"), ["-NoLogo"]);
  deepEqual(commandArguments("sh", "a | b"), ["-c", "a | b"]);
  deepEqual(commandArguments("cmd", "dir"), ["/d", "/s", "/c", "dir"]);
  match(
    commandArguments("powershell", "dir # all").at(-1)!,
    /^dir # all\n.*\bexit \$LASTEXITCODE\b/,
  );
});
