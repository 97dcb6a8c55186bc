import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Choices,
  makeChoices,
  OPTIONS,
  shellsOf,
} from "../../../../templates/assets/shared/choices.js";
import { jobCommands, jobNotes } from "../../../../templates/assets/shared/job_commands.js";
import { localCommands } from "../../../../templates/assets/shared/local_commands.js";
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
function runJob(text: string): { keys: string; calls: string } {
  const directory = mkdtempSync(join(tmpdir(), "converge-"));
  try {
    const curl = `#!/bin/sh\necho "curl $*" >> calls\necho 'echo "agent $*" >> calls' > "$3"\n`;
    writeFileSync(join(directory, "curl"), curl, { mode: 0o755 });
    const uname = "#!/bin/sh\n[ $1 = -s ] && echo Linux || echo aarch64\n";
    writeFileSync(join(directory, "uname"), uname, { mode: 0o755 });
    const { status, stderr } = spawnSync("sh", ["-e", "-c", text], {
      cwd: directory,
      env: { PATH: `${directory}:/usr/bin:/bin` },
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
  if (ci === "plain") return text;
  if (ci === "jenkins") return /'''\n([\s\S]*)\n *'''/.exec(text)![1]!.replace(/\\(.)/g, "$1");
  const yaml = parse(text, { strict: true });
  if (ci === "gitlab") return yaml.after_script[0].replace(/.*\n/, "");
  return ci === "github" ? yaml[0].run : yaml[0].bash ?? yaml[0].pwsh ?? yaml[0].script;
}

Deno.test("jobCommands() for sh write each key to the file and start the agent, in every CI system", () => {
  const keys = ["ssh-ed25519 AAAA me", NASTY];
  for (const [ci] of OPTIONS.ci) {
    const { text } = jobCommands(SITE, choose({ ci, os: "linux" }, keys));
    const done = runJob(commandsOf(ci, text));
    assert.equal(done.keys, `${keys.join("\n")}\n`, ci);
    assert.equal(
      done.calls,
      "curl -fsSL -o agent https://ci.example/relay/static/agent-Linux-aarch64\n" +
        "agent --id job-1 wss://ci.example/relay\n",
    );
  }
});

Deno.test("jobCommands() name users of GitHub and GitLab as options, in every shell", () => {
  for (const shell of ["sh", "cmd", "powershell"]) {
    const keys = ["github:ann", "ssh-ed25519 AAAA me", "gitlab:ben"];
    const { text } = jobCommands(SITE, choose({ os: "windows", shell }, keys));
    assert.match(text, /agent(\.exe)? --id job-1 --github-user ann --gitlab-user ben \S*wss:/);
    assert.doesNotMatch(text, /github:/);
  }
});

Deno.test("jobCommands() for cmd put the redirection first, so that nothing of the key is taken for one", () => {
  const { text } = jobCommands(SITE, choose({ os: "windows", shell: "cmd" }, [NASTY, "k 2"]));
  assert.deepEqual(text.split("\n"), [
    '> .authorized_keys echo ssh-ed25519 AAAA it\'s ^"me^" $^(id^) $^{{ secrets.X }} \\n `x` ^& %%PATH%% ^<b^> é',
    ">> .authorized_keys echo k 2",
    "curl -fsSL -o agent.exe https://ci.example/relay/static/agent.exe",
    ".\\agent --id job-1 wss://ci.example/relay",
  ]);
});

Deno.test("jobCommands() for PowerShell call the real curl and let it write the file", () => {
  const { text } = jobCommands(SITE, choose({ os: "windows" }, ["k it's", "k 2"], ""));
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
  const texts = (raw: Record<string, string>) =>
    localCommands(SITE, choose(raw, [], "job-1", key)).map(({ text }) => text);
  for (const local of ["wsproxy", "tunnel", "websocat"]) {
    const [ssh, sftp] = texts({ local }).slice(-2);
    for (const text of [ssh!, sftp!]) {
      assert.match(text, /-oKnownHostsCommand="\/bin\/echo job-1 ssh-ed25519 AAAAHOST"/);
    }
  }
  assert.equal(
    texts({ local: "setup" })[1],
    'echo "job-1.converge ssh-ed25519 AAAAHOST" >> ~/.ssh/known_hosts',
  );
  assert.deepEqual(texts({ local: "setup", computer: "windows" }).slice(1), [
    'cmd /c ">>%USERPROFILE%\\.ssh\\known_hosts echo job-1.converge ssh-ed25519 AAAAHOST"',
    "ssh job-1.converge",
    "sftp job-1.converge",
  ]);
  assert.equal(
    texts({ local: "wsproxy", computer: "windows" })[1],
    'cmd /c ">job-1.known_hosts echo job-1 ssh-ed25519 AAAAHOST"',
  );
});

Deno.test("jobCommands() are the YAML that GitHub, GitLab and Azure ask for, whatever the key holds", () => {
  const keys = [NASTY, "k # no: comment, 'no' \"quote\" {} [] & * ! | > % @", "k trailing:"];
  const TOKEN = "CONVERGE_AGENT_TOKEN";
  const names = { sh: "bash", cmd: "cmd", powershell: "pwsh" };
  for (const [os] of OPTIONS.os) {
    for (const shell of shellsOf(os, "github")) {
      for (const agentToken of [false, true]) {
        const read = (ci: string) => {
          const choices = choose({ os, shell, ci }, keys);
          const plain = jobCommands(SITE, { ...choices, ci: "plain" }).text;
          const { text } = jobCommands({ ...SITE, agentToken }, choices);
          return { plain: `${plain}\n`, yaml: parse(text, { strict: true }) };
        };
        const env = (value: string) => agentToken ? { env: { [TOKEN]: value } } : {};
        const github = read("github");
        assert.deepEqual(github.yaml, [{
          name: "Converge",
          if: "failure()",
          shell: names[shell],
          ...env(`\${{ secrets.${TOKEN} }}`),
          run: github.plain,
        }]);
        const azure = read("azure");
        assert.deepEqual(azure.yaml, [{
          [shell === "cmd" ? "script" : names[shell]]: azure.plain,
          displayName: "Converge",
          condition: "failed()",
          ...env(`$(${TOKEN})`),
        }]);
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
  }
});

Deno.test("jobCommands() call the PowerShell that each Jenkins agent has", () => {
  const step = (os: string) =>
    jobCommands(SITE, choose({ ci: "jenkins", os, shell: "powershell" })).text.split("\n")[2];
  assert.equal(step("windows"), "    powershell '''");
  assert.equal(step("linux"), "    pwsh '''");
});

Deno.test("localCommands() are those of the programs, with the host keys of jobs kept apart", () => {
  const texts = (raw: Record<string, string>, id?: string) =>
    localCommands(SITE, choose(raw, [], id)).map(({ text }) => text);
  assert.deepEqual(texts({ local: "wsproxy" }).slice(1), [
    'ssh -oServerAliveInterval=10 -oProxyCommand="wsproxy wss://ci.example/relay/client/job-1" -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null builder@localhost',
    'sftp -oServerAliveInterval=10 -oProxyCommand="wsproxy wss://ci.example/relay/client/job-1" -oHostKeyAlias=job-1 -oUserKnownHostsFile=/dev/null builder@localhost',
  ]);
  assert.deepEqual(texts({ local: "tunnel" }, "").slice(1), [
    "tunnel 10000 wss://ci.example/relay/client/ID",
    "ssh -oServerAliveInterval=10 -oHostKeyAlias=ID -oUserKnownHostsFile=/dev/null -p 10000 builder@localhost",
    "sftp -oServerAliveInterval=10 -oHostKeyAlias=ID -oUserKnownHostsFile=/dev/null -oPort=10000 builder@localhost",
  ]);
  assert.equal(
    texts({ local: "websocat", computer: "windows" }, "a.b")[0],
    'ssh -oServerAliveInterval=10 "-oProxyCommand=websocat --binary wss://ci.example/relay/client/a.b" "-oHostKeyAlias=a.b" "-oUserKnownHostsFile=NUL" builder@localhost',
  );
  const [setup, ...names] = texts({ local: "setup" });
  assert.match(setup!, /\nwsproxy setup https:\/\/ci\.example\/relay$/);
  assert.deepEqual(names, ["ssh job-1.converge", "sftp job-1.converge"]);
});

for (const shell of ["sh", "dash", "bash", "zsh", "fish"]) {
  requires(shell)(`localCommands() put programs on PATH: ${shell}`, () => {
    const home = mkdtempSync(join(tmpdir(), "converge-"));
    try {
      const curl = '#!/bin/sh\nprintf \'#!/bin/sh\\necho "$0" "$*"\\n\' > "$3"\n';
      writeFileSync(join(home, "curl"), curl, { mode: 0o755 });
      for (const [local, program] of [["setup", "wsproxy"], ["tunnel", "tunnel"]] as const) {
        const [once] = localCommands(SITE, choose({ local }));
        const { stdout, stderr } = spawnSync(shell, ["-c", `${once!.text}\n${program} works`], {
          env: { HOME: home, PATH: `${home}:/usr/bin:/bin` },
        });
        const path = join(home, ".local/bin", program);
        const setup = local === "setup" ? `${path} setup ${SITE.http}\n` : "";
        assert.equal(`${stdout}${stderr}`, `${setup}${path} works\n`, local);
        rmSync(join(home, ".local"), { recursive: true });
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });
}

Deno.test("localCommands() survive addresses that a shell would read", () => {
  const site = { ...SITE, http: "http://[::1]:80/a%20b", ws: "ws://[::1]:80/a%20b" };
  const [, ssh] = localCommands(site, choose({}, [], "x"));
  const { stdout } = spawnSync("sh", ["-c", `ssh() { printf '%s\\n' "$@"; }\n${ssh!.text}`]);
  const proxy = stdout.toString().split("\n").find((line) => line.startsWith("-oProxyCommand="));
  assert.equal(proxy, "-oProxyCommand=wsproxy 'ws://[::1]:80/a%%20b/client/x'");
});

Deno.test("makeChoices() turns unknown and impossible values into the usual ones", () => {
  const usual = choose({ os: "<b>", shell: "fish", ci: "x", computer: "", local: "no" });
  assert.deepEqual(
    { ...usual, keys: [] },
    {
      keys: [],
      id: "job-1",
      hostKey: "",
      os: "linux",
      shell: "sh",
      ci: "plain",
      computer: "linux",
      local: "wsproxy",
    },
  );
  assert.equal(choose({ os: "linux", shell: "cmd" }).shell, "sh");
  assert.equal(choose({ os: "windows" }).shell, "powershell");
  assert.equal(choose({ os: "windows", shell: "cmd", ci: "gitlab" }).shell, "powershell");
  assert.ok(shellsOf("windows", "github").includes("cmd"));
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
