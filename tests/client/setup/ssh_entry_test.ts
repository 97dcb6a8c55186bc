import assert from "node:assert/strict";
import { type EntryOptions, sshEntry } from "../../../lib/client/setup/ssh_entry.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";

const OPTIONS: EntryOptions = {
  suffix: "converge",
  url: "wss://ci.example/a%20b",
  username: "builder",
  program: ["/home/an'n b/wsproxy"],
  knownHosts: "/home/an'n b/.ssh/converge/known_hosts",
  windows: false,
};

const SHELLS = ["sh", "dash", "bash", "zsh", "fish"];

/** A stand-in for wsproxy with an awkward path, which notes its arguments. */
function writeProgram(dir: TempDir): { program: string; calls: () => string } {
  const calls = `${dir.path}/calls`;
  const program = dir.write("ws'proxy $x", `#!/bin/sh\nprintf '%s|' "$@" >> '${calls}'\n`, 0o755);
  return {
    program,
    calls() {
      const text = Deno.readTextFileSync(calls);
      Deno.removeSync(calls);
      return text;
    },
  };
}

function words(name: string): string {
  return ["--known-hosts", OPTIONS.knownHosts, "--", OPTIONS.url, name, ""].join("|");
}

requires("ssh", "zsh", "fish")("ssh gives wsproxy the name as it was typed", async () => {
  await using dir = new TempDir();
  const { program, calls } = writeProgram(dir);
  const config = dir.write("config", sshEntry({ ...OPTIONS, program: [program] }));
  for (const shell of SHELLS) {
    const env = { SHELL: `/usr/bin/${shell}`, HOME: dir.path };
    await run("ssh", ["-F", config, "Job-1.a.converge"], { env });
    assert.equal(calls(), words("Job-1.a.converge"), shell);
  }
});

// What OpenSSH before 9.6 does: any name goes to the shell. Newer ones refuse these.
requires("zsh", "fish")("no host name runs anything but wsproxy", async () => {
  await using dir = new TempDir();
  const { program, calls } = writeProgram(dir);
  const entry = sshEntry({ ...OPTIONS, program: [program] });
  assert.match(entry, /^Host \*\.converge "!\*'\*"$/m);
  const [, command] = /^ {2}ProxyCommand (.*)$/m.exec(entry)!;
  const evil = `touch ${dir.path}/evil`;
  const names = [
    `$(${evil})`,
    `\`${evil}\``,
    `;${evil};`,
    `a|${evil}|`,
    `a\n${evil}\n`,
    `\\;${evil}`,
  ];
  for (const name of [...names, "a b", "--insecure", '"', "$HOME", "\\\\"]) {
    for (const shell of SHELLS) {
      const expanded = command!.replaceAll("%%", "%").replace("%n", () => `${name}.converge`);
      await run(shell, ["-c", `exec ${expanded}`]);
      const expected = shell === "fish" ? name.replaceAll("\\\\", "\\") : name;
      assert.equal(calls(), words(`${expected}.converge`), `${shell}: ${name}`);
    }
  }
  assert.ok(![...Deno.readDirSync(dir.path)].some(({ name }) => name === "evil"));
});

Deno.test("on Windows, where no shell is between, double quotes keep words together", () => {
  const entry = sshEntry({
    ...OPTIONS,
    program: ["C:\\Users\\An n\\wsproxy.exe"],
    knownHosts: "C:\\Users\\ann\\.ssh\\converge\\known_hosts",
    caFile: "C:\\ca 1.pem",
    windows: true,
  });
  assert.match(
    entry,
    /^ {2}ProxyCommand "C:\\Users\\An n\\wsproxy\.exe" --ca-file "C:\\ca 1\.pem" --known-hosts C:\\Users\\ann\\\.ssh\\converge\\known_hosts -- "wss:\/\/ci\.example\/a%%20b" %n$/m,
  );
});
