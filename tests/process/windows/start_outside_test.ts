/** Everything but PowerShell and WMI themselves, which only Windows has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { wantedProcess } from "../../../lib/process/windows/start_outside.ts";
import { run, TempDir } from "../../support/program.ts";
import { ROOT } from "../../support/root.ts";

const options = {
  file: "C:\\Program Files\\agent.exe",
  args: ["--id", "job 1", 'say "hi"', "C:\\dir\\"],
  cwd: "C:\\Users\\Jürgen Müller",
  env: { Path: "C:\\", "my.dotted": "ü€🐢", EMPTY: "" },
};

Deno.test("wantedProcess() is JSON in ASCII, quoted as Windows reads it", () => {
  const json = wantedProcess(options);
  assert.match(json, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(json), {
    commandLine: '"C:\\Program Files\\agent.exe" --id "job 1" "say \\"hi\\"" C:\\dir\\',
    directory: options.cwd,
    environment: ["Path=C:\\", "my.dotted=ü€🐢", "EMPTY="],
  });
});

/** What stands in for PowerShell, and what startOutside() makes of it. */
const ANSWERS: { name: string; script: string; result: RegExp }[] = [
  { name: "a process ID", script: "cat > /dev/null; echo '0 4711'", result: /^4711\n$/ },
  {
    name: "a refusal",
    script: "cat > /dev/null; echo '2 '",
    result: /cannot start a program through WMI: Win32_Process\.Create returned 2\n/,
  },
  {
    name: "an error",
    script: "echo 'New-CimInstance: access denied' >&2; exit 1",
    result: /through WMI: New-CimInstance: access denied\n/,
  },
  { name: "nothing", script: "exit 0", result: /PowerShell gave no answer\n/ },
];

for (const { name, script, result } of ANSWERS) {
  const test = { name: `startOutside() takes ${name}`, ignore: Deno.build.os === "windows" };
  Deno.test(test, async () => {
    await using dir = new TempDir();
    dir.write("powershell.exe", `#!/bin/sh\n${script}\n`, 0o755);
    const module = join(ROOT, "lib/process/windows/start_outside.ts");
    const code = `const { startOutside } = await import(${JSON.stringify(`file://${module}`)});
      await startOutside(${
      JSON.stringify(options)
    }).then(console.log, (e) => console.log(e.message))`;
    const path = `${dir.path}:${Deno.env.get("PATH")}`;
    const { stdout, stderr } = await run(Deno.execPath(), ["eval", "--no-check", code], {
      env: { PATH: path },
    });
    assert.match(stdout, result, stderr);
  });
}
