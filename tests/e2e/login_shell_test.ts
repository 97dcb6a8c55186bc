/** What a person's shell is like, in four shells: the job's environment, the client's terminal. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { World } from "../support/world.ts";

/** Shells, the file that each reads for a person, and how that file and a person speak to it. */
const SHELLS = [
  { shell: "bash", rc: ".bashrc", alias: "alias rc-read='echo rc-was-read'", status: "$?" },
  { shell: "dash", rc: ".shrc", alias: "alias rc-read='echo rc-was-read'", status: "$?" },
  { shell: "zsh", rc: ".zshrc", alias: "alias rc-read='echo rc-was-read'", status: "$?" },
  {
    shell: "fish",
    rc: ".config/fish/config.fish",
    alias: "function rc-read; echo rc-was-read; end",
    status: "$status",
  },
];

for (const { shell, rc, alias, status } of SHELLS) {
  const test = requires("ssh", shell);
  test(`${shell} has the job's environment and the client's terminal`, async () => {
    await using world = await World.start();
    await using home = new TempDir();
    const dir = new TempDir();
    Deno.mkdirSync(join(home.path, ".config/fish"), { recursive: true });
    home.write(rc, `${alias}\n`);
    // A profile that is read would be seen: it takes the job's PATH away.
    for (const profile of [".profile", ".bash_profile", ".zprofile"]) {
      home.write(profile, "PATH=/usr/bin:/bin; export PATH\n");
    }
    Deno.mkdirSync(join(dir.path, "tools"));
    dir.write("tools/job-tool", "#!/bin/sh\necho tool-of-$JOB_VARIABLE\n", 0o755);
    const path = `${join(dir.path, "tools")}:${Deno.env.get("PATH")}`;
    const announced = await world.startAgent({
      args: ["--shell", `/usr/bin/${shell}`],
      dir,
      env: {
        HOME: home.path,
        ENV: join(home.path, ".shrc"),
        PATH: path,
        JOB_VARIABLE: "the-job",
        // What a script with `set -e -o pipefail` exports, and a size for programs without a
        // terminal.
        SHELLOPTS: "braceexpand:errexit:pipefail",
        TERM: "dumb",
        LINES: "7",
        COLUMNS: "7",
      },
    }).announced();

    // What is typed before the prompt is back stands in front of it, so no line's beginning is
    // waited for.
    await using terminal = world.terminal(announced, [], { columns: 132, rows: 43 });
    await terminal.waitFor(/[$#%>] /);
    terminal.write("job-tool\r");
    await terminal.waitFor(/tool-of-the-job\r\n/);
    terminal.write('echo "path:$PATH:"; echo dir:$PWD: term:$TERM:\r');
    await terminal.waitFor(new RegExp(`path:${path}:`.replaceAll(/[.+]/g, "\\$&")));
    await terminal.waitFor(new RegExp(`dir:${dir.path}: term:xterm-256color:`));
    terminal.write("stty size\r");
    await terminal.waitFor(/43 132\r/);
    terminal.write(`sh -c 'exit 9'; echo status:${status}:\r`);
    await terminal.waitFor(/status:9:/);
    terminal.write("rc-read\r");
    await terminal.waitFor(/rc-was-read\r/);
    terminal.write("env | grep -c -E '^(LINES|COLUMNS)=7$'\r");
    await terminal.waitFor(/\b0\r/);
    terminal.write("exit 6\r");
    assert.equal(await terminal.exited, 6);
  });
}
