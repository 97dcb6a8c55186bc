import assert from "node:assert/strict";
import { join } from "node:path";
import { type AgentActions, agentCommand } from "../../lib/cli/agent_options.ts";
import { tunnelCommand, wsproxyCommand } from "../../lib/cli/client_options.ts";
import type { Command } from "../../lib/cli/command.ts";
import { COMPLETION_SHELLS, completionScript } from "../../lib/cli/completions.ts";
import { serverCommand } from "../../lib/cli/server_options.ts";
import { run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";

const nothing = () => Promise.resolve();
const AGENT = agentCommand({ run: nothing } as unknown as AgentActions);
const NO_FILES = {
  readOptionFile: () => Promise.resolve(""),
  readSecretFile: () => Promise.resolve(""),
};
const PROGRAMS: Record<string, Command> = {
  agent: AGENT,
  server: serverCommand(nothing, {}, NO_FILES),
  tunnel: tunnelCommand(nothing),
  wsproxy: wsproxyCommand({ run: nothing, setUp: nothing, update: nothing }),
};

/** A directory with a file `keys.txt`, a directory and the script for a program. */
function directory(command: Command, shell: typeof COMPLETION_SHELLS[number]): TempDir {
  const made = new TempDir();
  made.write("keys.txt", "");
  Deno.mkdirSync(join(made.path, "keys.d"));
  made.write("script", completionScript(command, shell));
  return made;
}

/** What bash offers for the last of these words. */
async function inBash(command: Command, ...words: string[]): Promise<string[]> {
  await using dir = directory(command, "bash");
  const name = command.name();
  // compopt works within a completion only.
  const script = `compopt() { :; }; . ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));` +
    `_${name}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await run("bash", ["-c", script, "bash", name, ...words], {
    cwd: dir.path,
  });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "").sort();
}

/** What fish offers for the last of these words. */
async function inFish(command: Command, ...words: string[]): Promise<string[]> {
  await using dir = directory(command, "fish");
  const line = [command.name(), ...words].join(" ");
  const { code, stdout, stderr } = await run("fish", [
    ...["--no-config", "-c", 'source script; complete -C "$argv[1]"', line],
  ], { cwd: dir.path, env: { HOME: dir.path } });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]!);
}

/** What zsh makes of a line when Tab is typed after it. */
async function inZsh(command: Command, line: string): Promise<string> {
  await using dir = directory(command, "zsh");
  const name = command.name();
  dir.write(`_${name}`, Deno.readTextFileSync(join(dir.path, "script")));
  // It says when it reads keys; control-X prints the line.
  dir.write(
    ".zshrc",
    "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D\n" +
      "zle-line-init() { zle -I; print '<ready>' }; zle -N zle-line-init\n" +
      "show() { zle -I; print -r -- \"<$BUFFER>\" }; zle -N show; bindkey '^X' show\n",
  );
  dir.write(
    "type.exp",
    "set timeout -1\nspawn -noecho zsh -i\nexpect <ready>\n" +
      'send -- "$env(LINE)\\t\\030"\nexpect -re {<[^<>\\r\\n]*>}\nputs ""\n',
  );
  const { stdout } = await run("expect", ["type.exp"], {
    cwd: dir.path,
    env: { ZDOTDIR: dir.path, HOME: dir.path, LINE: line, TERM: "dumb" },
  });
  return /<(?!ready)([^<>]*)>/.exec(stdout)?.[1]?.trimEnd() ?? stdout;
}

Deno.test("bash completes options, commands and the options of a command", async () => {
  assert.deepEqual(await inBash(AGENT, "--host"), ["--host-key", "--host-key-types"]);
  assert.deepEqual(await inBash(AGENT, "st"), ["status", "stop"]);
  assert.deepEqual(await inBash(AGENT, "status", "--"), [
    "--help",
    "--id",
    "--json",
    "--windows",
  ]);
  assert.deepEqual(await inBash(AGENT, "--id", ""), []);
});

Deno.test("bash completes files and directories where an option takes them", async () => {
  assert.deepEqual(await inBash(AGENT, "--host-key", "key"), ["keys.d", "keys.txt"]);
  assert.deepEqual(await inBash(PROGRAMS.server!, "--static-dir", "key"), ["keys.d"]);
});

requires("fish")("fish completes options, commands and files", async () => {
  assert.deepEqual(await inFish(AGENT, "--host"), ["--host-key", "--host-key-types"]);
  assert.deepEqual(await inFish(AGENT, "st"), ["status", "stop"]);
  assert.deepEqual(await inFish(AGENT, "status", "--j"), ["--json"]);
  assert.deepEqual(await inFish(AGENT, "--host-key", "keys."), ["keys.d/", "keys.txt"]);
});

requires("zsh", "expect")("zsh completes options, commands and files", async () => {
  assert.equal(await inZsh(PROGRAMS.wsproxy!, "wsproxy --ca"), "wsproxy --ca-file");
  assert.equal(
    await inZsh(PROGRAMS.wsproxy!, "wsproxy --ca-file keys.t"),
    "wsproxy --ca-file keys.txt",
  );
  assert.equal(await inZsh(AGENT, "agent sto"), "agent stop");
  assert.equal(await inZsh(AGENT, "agent status --js"), "agent status --json");
});

for (const [name, command] of Object.entries(PROGRAMS)) {
  for (const shell of COMPLETION_SHELLS) {
    requires(shell)(`${shell} takes the completions of ${name}`, async () => {
      await using dir = directory(command, shell);
      const { code, stderr } = await run(shell, ["-n", "script"], { cwd: dir.path });
      assert.deepEqual([code, stderr], [0, ""]);
    });
  }
}
