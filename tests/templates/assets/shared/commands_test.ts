import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Choices,
  makeChoices,
  OPTIONS,
  systemsOf,
} from "../../../../templates/assets/shared/choices.js";
import { jobCommands } from "../../../../templates/assets/shared/job_commands.js";
import { jobNotes } from "../../../../templates/assets/shared/job_notes.js";
import {
  localCommands,
  localNotes,
  otherLocalCommands,
} from "../../../../templates/assets/shared/local_commands.js";
import {
  ID_PATTERN,
  isRendezvousId,
  makeRendezvousId,
} from "../../../../templates/assets/shared/rendezvous_id.js";
import * as names from "../../../../lib/protocol/names.ts";
import { SITE } from "../../../support/site.ts";
import { requires } from "../../../support/requires.ts";
import { parse } from "yaml";

const NASTY = 'ssh-ed25519 AAAA it\'s "me" $(id) ${{ secrets.X }} \\n `x` & %PATH% <b> é';

const JUMP = { port: 2222, hostKey: "ssh-ed25519 AAAAJUMP", fingerprint: "SHA256:abc" };

function choose(
  raw: Record<string, string>,
  keys = ["ssh-ed25519 AAAA me"],
  id = "job-1",
  hostKey = "",
): Choices {
  return makeChoices(raw, keys, id, hostKey);
}

/**
 * Runs the job's sh commands with stand-ins for curl, uname and the agent; returns the directory.
 */
function runJob(
  text: string,
  variables: Record<string, string> = {},
): { keys: string; calls: string } {
  const directory = mkdtempSync(join(tmpdir(), "converge-"));
  try {
    const curl = `#!/bin/sh\necho "curl $*" >> calls\necho 'echo "agent $*" >> calls' > "$3"\n`;
    writeFileSync(join(directory, "curl"), curl, { mode: 0o755 });
    const uname = "#!/bin/sh\n[ $1 = -s ] && echo Linux || echo aarch64\n";
    writeFileSync(join(directory, "uname"), uname, { mode: 0o755 });
    const { status, stderr } = spawnSync("sh", ["-e", "-c", text], {
      cwd: directory,
      env: { PATH: `${directory}:/usr/bin:/bin`, ...variables },
    });
    assert.equal(stderr.toString(), "");
    assert.equal(status, 0);
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    return { keys: read(".authorized_keys"), calls: read("calls") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The commands of a step for a CI system, as that reads them. */
function commandsOf(ci: string, text: string): string {
  if (ci === "plain" || ci === "buildkite") return text;
  if (ci === "jenkins") return /'''\n([\s\S]*)\n *'''/.exec(text)![1]!.replace(/\\(.)/g, "$1");
  const yaml = parse(text, { strict: true });
  if (ci === "gitlab") return yaml.after_script[0].replace(/.*\n/, "");
  if (ci === "circleci") return yaml[0].run.command.replaceAll("\\<<", "<<");
  return yaml[0].run ?? yaml[0].bash ?? yaml[0].pwsh ?? yaml[0].script;
}

Deno.test("jobCommands() for sh write each key to the file and start the agent, in every CI system", () => {
  const keys = ["ssh-ed25519 AAAA me", `${NASTY} <<x`];
  for (const [ci] of OPTIONS.ci) {
    if (ci === "github") continue;
    const { text } = jobCommands(SITE, choose({ ci }, keys));
    if (ci === "circleci") assert.doesNotMatch(text, /(?<!\\)<</);
    const done = runJob(commandsOf(ci, text), { BUILDKITE_COMMAND_EXIT_STATUS: "2" });
    assert.equal(done.keys, `${keys.join("\n")}\n`, ci);
    assert.equal(
      done.calls,
      "curl -fsSL -o agent https://ci.example/relay/static/agent-Linux-aarch64\n" +
        "agent --id job-1 wss://ci.example/relay\n",
    );
  }
});

Deno.test("jobCommands() name users of GitHub and GitLab as options, in every shell", () => {
  for (const [os] of OPTIONS.os) {
    const keys = ["github:ann", "ssh-ed25519 AAAA me", "gitlab:ben"];
    const { text } = jobCommands(SITE, choose({ os }, keys));
    assert.match(text, /agent(\.exe)? --id job-1 --github-user ann --gitlab-user ben \S*wss:/);
    assert.doesNotMatch(text, /github:/);
  }
});

Deno.test("jobCommands() for cmd put the redirection first, so that nothing of the key is taken for one", () => {
  const { text } = jobCommands(SITE, choose({ os: "cmd" }, [NASTY, "k 2"]));
  assert.deepEqual(text.split("\n"), [
    '> .authorized_keys echo ssh-ed25519 AAAA it\'s ^"me^" $^(id^) $^{{ secrets.X }} \\n `x` ^& %%PATH%% ^<b^> é',
    ">> .authorized_keys echo k 2",
    "curl -fsSL -o agent.exe https://ci.example/relay/static/agent.exe",
    ".\\agent --id job-1 wss://ci.example/relay",
  ]);
});

Deno.test("jobCommands() for PowerShell call the real curl and let it write the file", () => {
  const { text } = jobCommands(SITE, choose({ os: "powershell" }, ["k it's", "k 2"], ""));
  assert.deepEqual(text.split("\n"), [
    "Set-Content -Encoding utf8 .authorized_keys 'k it''s'",
    "Add-Content -Encoding utf8 .authorized_keys 'k 2'",
    "curl.exe -fsSL -o agent.exe https://ci.example/relay/static/agent.exe",
    ".\\agent wss://ci.example/relay",
  ]);
});

Deno.test("jobCommands() hand the agent's token over by the CI system's secrets", () => {
  const site = { ...SITE, agentToken: true };
  for (const [ci] of OPTIONS.ci) {
    const choices = choose({ ci });
    const said = jobCommands(site, choices).text + jobNotes(site, choices).join(" ");
    assert.match(said, /CONVERGE_AGENT_TOKEN/, ci);
    const silent = jobCommands(SITE, choices).text + jobNotes(SITE, choices).join(" ");
    assert.doesNotMatch(silent, /TOKEN/, ci);
  }
});

Deno.test("a host key that lasts comes from a secret, and the commands pin its public half", () => {
  const key = "ssh-ed25519 AAAAHOST";
  for (const [ci] of OPTIONS.ci) {
    const choices = choose({ ci }, [], "job-1", key);
    const said = jobCommands(SITE, choices).text + jobNotes(SITE, choices).join(" ");
    assert.match(said, /CONVERGE_HOST_KEY/, ci);
    assert.doesNotMatch(said, /AAAAHOST|AGENT_TOKEN/, ci);
  }
  const site = { ...SITE, jump: JUMP };
  for (const computer of ["posix", "windows"]) {
    const choices = choose({ computer }, [], "job-1", key);
    const pinned = computer === "posix"
      ? '-oKnownHostsCommand="/bin/echo job-1 ssh-ed25519 AAAAHOST"'
      : '"-oUserKnownHostsFile=job-1.known_hosts"';
    const commands = [...localCommands(site, choices), ...otherLocalCommands(site, choices)]
      .flatMap(({ text }) => text.split("\n")).filter((line) => /^s(sh|ftp) -/.test(line));
    assert.equal(commands.length, 6);
    for (const line of commands) {
      assert.ok(line.includes(pinned) && line.includes("-oStrictHostKeyChecking=yes"), line);
    }
    const [once, , jump] = localCommands(site, choices).map(({ text }) => text.split("\n"));
    if (computer === "posix") {
      assert.equal(
        once!.at(-1),
        'echo "job-1.converge ssh-ed25519 AAAAHOST" >> ~/.ssh/known_hosts',
      );
      continue;
    }
    assert.equal(
      once!.at(-1),
      'cmd /c ">>%USERPROFILE%\\.ssh\\known_hosts echo job-1.converge ssh-ed25519 AAAAHOST"',
    );
    const write = 'cmd /c ">job-1.known_hosts echo job-1 ssh-ed25519 AAAAHOST"';
    assert.equal(jump![0], write);
    assert.equal(otherLocalCommands(site, choices)[0]!.text, write);
  }
});

Deno.test("jobCommands() are the YAML that GitHub, GitLab and Azure ask for, whatever the key holds", () => {
  const keys = [NASTY, "k # no: comment, 'no' \"quote\" {} [] & * ! | > % @", "k trailing:"];
  const TOKEN = "CONVERGE_AGENT_TOKEN";
  const names = { posix: "bash", bash: "bash", cmd: "cmd", powershell: "pwsh" };
  for (const [os] of OPTIONS.os) {
    for (const agentToken of [false, true]) {
      const read = (ci: string) => {
        const choices = choose({ os, ci }, keys);
        const plain = jobCommands(SITE, { ...choices, ci: "plain" }).text;
        const { text } = jobCommands({ ...SITE, agentToken }, choices);
        return { plain: `${plain}\n`, yaml: parse(text, { strict: true }) };
      };
      const env = (value: string) => agentToken ? { env: { [TOKEN]: value } } : {};
      const github = read("github-commands");
      assert.deepEqual(github.yaml, [{
        name: "Converge",
        if: "failure()",
        shell: names[os],
        ...env(`\${{ secrets.${TOKEN} }}`),
        run: github.plain,
      }]);
      const azure = read("azure");
      assert.deepEqual(azure.yaml, [{
        [os === "cmd" ? "script" : names[os]]: azure.plain,
        displayName: "Converge",
        condition: "failed()",
        ...env(`$(${TOKEN})`),
      }]);
      const circle = read("circleci");
      assert.deepEqual(circle.yaml, [{
        run: {
          name: "Converge",
          when: "on_fail",
          no_output_timeout: "1h",
          ...(os === "posix" ? {} : { shell: `${os}.exe` }),
          command: circle.plain,
        },
      }]);
      if (!systemsOf("gitlab").includes(os)) continue;
      const gitlab = read("gitlab");
      const { after_script: [script], ...rest } = gitlab.yaml;
      assert.deepEqual(rest, {
        variables: { RUNNER_SCRIPT_TIMEOUT: "1h", RUNNER_AFTER_SCRIPT_TIMEOUT: "1h" },
        timeout: "2h",
      });
      const [condition] = script.split("\n");
      assert.match(condition, /CI_JOB_STATUS/);
      assert.equal(script, `${condition}\n${gitlab.plain}`);
    }
  }
});

Deno.test("jobCommands() by the action hand over all that was chosen, and expand nothing", () => {
  const accounts = ["github:ann", "github:carol", "gitlab:ben"];
  const site = { ...SITE, agentToken: true, githubAction: "acme/converge@v1" };
  const { text } = jobCommands(
    site,
    choose({ ci: "github" }, [NASTY, ...accounts, "k 2"], "job-1", "ssh-ed25519 AAAAHOST"),
  );
  // As GitHub expands a text in a string.
  const expanded = text.replaceAll("${{ '${{' }}", "EXPRESSION").replaceAll(
    /\$\{\{ secrets\.(CONVERGE_\w+) \}\}/g,
    "the secret $1",
  );
  assert.doesNotMatch(expanded, /\$\{\{/);
  assert.deepEqual(parse(expanded.replace("EXPRESSION", "$${{"), { strict: true }), [{
    uses: "acme/converge@v1",
    with: {
      server: SITE.http,
      id: "job-1",
      "github-users": "ann carol",
      "authorized-keys": `${NASTY}\nk 2\n`,
      options: "--gitlab-user ben\n",
      "agent-token": "the secret CONVERGE_AGENT_TOKEN",
      "host-key": "the secret CONVERGE_HOST_KEY",
    },
  }]);
  const choices = choose({ ci: "github" }, [], "");
  assert.equal(
    jobCommands(SITE, choices).text,
    "- uses: OWNER/converge@main\n  with:\n    server: https://ci.example/relay",
  );
  assert.match(jobNotes(SITE, choices).join(" "), /OWNER\/converge is your copy/);
  assert.doesNotMatch(jobNotes(site, choices).join(" "), /OWNER|Nobody can log in/);
});

Deno.test("jobCommands() for Buildkite do nothing after a command that passed", () => {
  const { title, text } = jobCommands(SITE, choose({ ci: "buildkite" }));
  assert.match(title, /\.buildkite\/hooks\/post-command$/);
  const env = { BUILDKITE_COMMAND_EXIT_STATUS: "0", PATH: "/usr/bin:/bin" };
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", text], { env });
  assert.deepEqual([status, `${stdout}${stderr}`], [0, ""]);
  const titleOf = (os: string) => jobCommands(SITE, choose({ ci: "buildkite", os })).title;
  assert.match(titleOf("cmd"), /post-command\.bat$/);
  assert.match(titleOf("powershell"), /post-command\.ps1$/);
});

Deno.test("localCommands() are the short ways, otherLocalCommands() those of the programs", () => {
  const texts = (id?: string, raw = {}, site = SITE) =>
    localCommands(site, choose(raw, [], id)).map(({ text }) => text);
  const setup = "curl -fsSL https://ci.example/relay/install.sh | sh -s -- setup";
  assert.deepEqual(texts("job-1"), [setup, "ssh job-1.converge"]);
  const site = { ...SITE, jump: JUMP };
  assert.equal(
    texts("", {}, site)[2],
    "ssh -J ci.example:2222 -oUserKnownHostsFile=/dev/null builder@ID",
  );
  assert.deepEqual(texts("a.b", { computer: "windows" }, site), [
    'curl.exe -fsSL -o wsproxy.exe "https://ci.example/relay/static/wsproxy.exe"\n' +
    '.\\wsproxy setup "https://ci.example/relay"',
    "ssh a.b.converge",
    'ssh -J ci.example:2222 "-oUserKnownHostsFile=NUL" "builder@a.b"',
  ]);
  assert.match(localNotes(site, choose({})).join(" "), /SHA256:abc/);

  const others = (id: string, raw = {}) =>
    otherLocalCommands(SITE, choose(raw, [], id)).map(({ text }) => text)
      .filter((text) => /^(ssh|sftp|tunnel) /.test(text));
  assert.deepEqual(others("job-1"), [
    'ssh -oServerAliveInterval=120 -oProxyCommand="wsproxy wss://ci.example/relay/client/job-1" -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null builder@localhost',
    'sftp -oServerAliveInterval=120 -oProxyCommand="wsproxy wss://ci.example/relay/client/job-1" -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null builder@localhost',
    "tunnel 10000 wss://ci.example/relay/client/job-1",
    "ssh -oServerAliveInterval=120 -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null -p 10000 builder@localhost",
    "sftp -oServerAliveInterval=120 -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null -oPort=10000 builder@localhost",
    'ssh -oServerAliveInterval=120 -oProxyCommand="websocat --binary wss://ci.example/relay/client/job-1" -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null builder@localhost',
  ]);
  assert.equal(
    others("a.b", { computer: "windows" }).at(-1),
    'ssh -oServerAliveInterval=120 "-oProxyCommand=websocat --binary wss://ci.example/relay/client/a.b" "-oHostKeyAlias=a.b" "-oUserKnownHostsFile=NUL" builder@localhost',
  );
});

for (const shell of ["sh", "dash", "bash", "zsh", "fish"]) {
  requires(shell)(`otherLocalCommands() put programs on PATH: ${shell}`, () => {
    const home = mkdtempSync(join(tmpdir(), "converge-"));
    try {
      // What it prints is a script that installs a program, which says how it was called.
      const script = 'mkdir -p "$2" && cp "$0.program" "$2/$1"'.replace("$0", join(home, "curl"));
      const curl = `#!/bin/sh\necho '${script}'\n`;
      writeFileSync(join(home, "curl.program"), '#!/bin/sh\necho "$0" "$*"\n', { mode: 0o755 });
      writeFileSync(join(home, "curl"), curl, { mode: 0o755 });
      for (const program of ["wsproxy", "tunnel"] as const) {
        const { text } = otherLocalCommands(SITE, choose({}))
          .find(({ title }) => title === `Once: download ${program}`)!;
        const { stdout, stderr } = spawnSync(shell, ["-c", `${text}\n${program} works`], {
          env: { HOME: home, PATH: `${home}:/usr/bin:/bin` },
        });
        const path = join(home, ".local/bin", program);
        assert.equal(`${stdout}${stderr}`, `${path} works\n`, program);
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });
}

Deno.test("localCommands() survive addresses that a shell would read", () => {
  const site = { ...SITE, http: "http://[::1]:80/a%20b", ws: "ws://[::1]:80/a%20b" };
  const ssh = otherLocalCommands(site, choose({}, [], "x")).find(({ text }) => /^ssh/.test(text));
  const { stdout } = spawnSync("sh", ["-c", `ssh() { printf '%s\\n' "$@"; }\n${ssh!.text}`]);
  const proxy = stdout.toString().split("\n").find((line) => line.startsWith("-oProxyCommand="));
  assert.equal(proxy, "-oProxyCommand=wsproxy 'ws://[::1]:80/a%%20b/client/x'");
});

Deno.test("makeChoices() turns unknown and impossible values into the usual ones", () => {
  const usual = choose({ os: "<b>", ci: "x", computer: "" });
  assert.deepEqual(
    { ...usual, keys: [] },
    { keys: [], id: "job-1", hostKey: "", ci: "plain", os: "posix", computer: "posix" },
  );
  assert.equal(choose({ os: "cmd", ci: "github" }).os, "cmd");
  assert.equal(choose({ os: "cmd", ci: "gitlab" }).os, "powershell");
});

Deno.test("the browser's rule for IDs is the programs' rule", () => {
  const texts = ["a", "A.b_c-9", "", ".a", "-a", "_a", "a b", "a/b", "ä", "a\n", "x".repeat(64)];
  for (const text of [...texts, "x".repeat(65)]) {
    assert.equal(isRendezvousId(text), names.isRendezvousId(text), text);
    assert.equal(new RegExp(`^(?:${ID_PATTERN})$`, "v").test(text), isRendezvousId(text), text);
  }
  const random = crypto.getRandomValues(new Uint8Array(16));
  assert.equal(makeRendezvousId(random), names.makeRendezvousId(random));
});
