import assert from "node:assert/strict";
import { join } from "node:path";
import type { Announcement } from "../../../lib/agent/announce/announcement.ts";
import {
  announceOnGithub,
  githubNotice,
  githubOutput,
  githubSummary,
} from "../../../lib/agent/announce/github.ts";
import { createLog } from "../../../lib/log/log.ts";
import { TempDir } from "../../support/program.ts";

const ANNOUNCEMENT: Announcement = {
  id: "job-1",
  username: "converge",
  url: "wss://example.org/client/job-1",
  hostKey: "ssh-ed25519 AAAA",
  fingerprint: "SHA256:abc",
  deadline: Date.UTC(2026, 0, 31, 12, 10),
  now: Date.UTC(2026, 0, 31, 12),
  held: false,
  keys: 1,
  keysFile: ".authorized_keys",
  password: false,
};

Deno.test("githubNotice() is one workflow command, escaped", () => {
  const notice = githubNotice({
    ...ANNOUNCEMENT,
    url: "wss://example.org/100%25/client/job-1",
    keys: 0,
  });
  assert.match(notice, /^::notice title=Converge%3A log in to job-1::Nobody can log in: /);
  assert.match(notice, /%0ATo log in now, add a public key/);
  assert.match(notice, /%0Assh -oServerAliveInterval=120 /);
  assert.match(notice, /100%25%2525\/client/, "a percent sign is doubled for ssh, then escaped");
  assert.equal(notice.trimEnd().split("\n").length, 1);
});

Deno.test("githubSummary() shows the facts and the commands as code", () => {
  const summary = githubSummary(ANNOUNCEMENT);
  assert.match(summary, /^### Converge\n/);
  assert.match(summary, /~~~~sh\nssh -o.*converge@localhost\nsftp .*\n~~~~\n/);
  assert.match(summary, /Host key +SHA256:abc/);
  assert.equal(summary.split("\n").filter((line) => line.startsWith("~~~~")).length % 2, 0);
});

Deno.test("githubOutput() is one line for each value", () => {
  const lines = githubOutput({ ...ANNOUNCEMENT, username: "a\nid=forged" }).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.split("=")[0]), ["id", "user", "fingerprint", "ssh"]);
  assert.equal(lines[0], "id=job-1");
  assert.equal(lines[1], "user=a id=forged");
});

Deno.test("announceOnGithub() appends to the step's files and prints the notice", async () => {
  await using dir = new TempDir();
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: dir.write("summary", "before\n"),
    GITHUB_OUTPUT: join(dir.path, "output"),
  };
  let printed = "";
  const log = createLog({ write: (line) => assert.fail(line) });
  await announceOnGithub(ANNOUNCEMENT, { env, log, print: (text) => printed += text });
  assert.equal(printed, githubNotice(ANNOUNCEMENT));
  assert.equal(
    Deno.readTextFileSync(env.GITHUB_STEP_SUMMARY),
    "before\n" + githubSummary(ANNOUNCEMENT),
  );
  assert.equal(Deno.readTextFileSync(env.GITHUB_OUTPUT), githubOutput(ANNOUNCEMENT));
});

Deno.test("announceOnGithub() does nothing elsewhere, and survives files that cannot be written", async () => {
  await using dir = new TempDir();
  const missing = join(dir.path, "missing", "output");
  let lines = "";
  let printed = "";
  const options = {
    print: (text: string) => printed += text,
    log: createLog({ write: (line) => lines += line }),
  };
  await announceOnGithub(ANNOUNCEMENT, { ...options, env: { GITHUB_OUTPUT: missing } });
  assert.equal(printed + lines, "");
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: missing };
  await announceOnGithub(ANNOUNCEMENT, { ...options, env });
  assert.match(lines, /warn cannot write \$GITHUB_OUTPUT reason=/);
});
