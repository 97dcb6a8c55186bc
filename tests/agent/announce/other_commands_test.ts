import assert from "node:assert/strict";
import { folded, otherCommands } from "../../../lib/agent/announce/other_commands.ts";
import { ANNOUNCEMENT, KEY } from "./example.ts";

Deno.test("otherCommands() are for files, a local port and ssh_config, or for Windows", () => {
  const pin = `-oHostKeyAlias=job-1 -oKnownHostsCommand="/bin/echo job-1 ${KEY}" ` +
    "-oUserKnownHostsFile=none -oStrictHostKeyChecking=yes";
  const posix = otherCommands(ANNOUNCEMENT, "posix").split("\n").map((line) => line.trim());
  for (
    const line of [
      "tunnel 10000 wss://example.org/client/job-1",
      `ssh -oServerAliveInterval=120 ${pin} -p 10000 converge@localhost`,
      `sftp -oServerAliveInterval=120 ${pin} -oPort=10000 converge@localhost`,
      "Host job-1",
      `KnownHostsCommand /bin/echo job-1 ${KEY}`,
    ]
  ) assert.ok(posix.includes(line), `${line}\nis not in\n${posix.join("\n")}`);
  assert.ok(!posix.some((line) => line.includes("cmd /c")));
  const windows = otherCommands(ANNOUNCEMENT, "windows");
  assert.ok(windows.includes(`  cmd /c ">job-1.known_hosts echo job-1 ${KEY}"\n`), windows);
});

Deno.test("folded() marks a part of the log as the CI system does", () => {
  const fold = (env: Record<string, string>) => folded("T", "a\nb\n", { env, now: 5_900 });
  assert.equal(fold({ GITHUB_ACTIONS: "true" }), "::group::T\na\nb\n::endgroup::\n");
  assert.equal(fold({ TF_BUILD: "True" }), "##[group]T\na\nb\n##[endgroup]\n");
  const clear = "\x1b[0K";
  assert.equal(
    fold({ GITLAB_CI: "true" }),
    `${clear}section_start:5:converge[collapsed=true]\r${clear}T\na\nb\n` +
      `${clear}section_end:5:converge\r${clear}\n`,
  );
  assert.equal(fold({}), undefined);
});
