import assert from "node:assert/strict";
import { Announcer, type AnnouncerOptions } from "../../../lib/agent/announce/announcer.ts";
import type { LifetimeStatus } from "../../../lib/agent/lifetime/keeper.ts";
import { createLog } from "../../../lib/log/log.ts";
import { generateHostKey } from "../../../lib/ssh/keys/host_key.ts";
import { PROTOCOL_VERSION, type RegisteredMessage } from "../../../lib/protocol/messages.ts";
import { TempDir } from "../../support/program.ts";

const REGISTERED: RegisteredMessage = {
  ...{ type: "registered", protocol: PROTOCOL_VERSION, version: "1", parked: 0 },
  ...{ id: "job-1", username: "ann", resume: "secret" },
};
const STATUS: LifetimeStatus = {
  ...{ deadline: 600_000, expiry: 600_000, mode: "foreground", sessions: 0, shells: 0 },
  ...{ held: false, ending: false },
};

/** An announcer, and what it has printed. */
function announcerAt(
  server: string,
  options: Partial<AnnouncerOptions> = {},
): { announcer: Announcer; printed: string[] } {
  const printed: string[] = [];
  const announcer = new Announcer({
    server: new URL(server),
    hostKeys: [generateHostKey()],
    keysFile: "/nonexistent/.authorized_keys",
    extraKeys: [],
    program: "./agent",
    ...{ json: false, color: false, env: {}, notify: [], now: () => 0 },
    log: createLog({ write: () => {} }),
    print: (text) => void printed.push(text),
    ...options,
  });
  return { announcer, printed };
}

Deno.test("Announcer keeps the agent's own login at a reverse proxy to itself", async () => {
  const { announcer } = announcerAt("wss://agent:s3same@host/base?s3same#s3same");
  const description = await announcer.describe(REGISTERED, STATUS);
  assert.equal(description.announcement.url, "wss://host/base/client/job-1");
  assert.doesNotMatch(JSON.stringify(description), /s3same/);
});

Deno.test("Announcer tells news once, and everything again when it is asked to", async () => {
  const { announcer, printed } = announcerAt("ws://host");
  const { signal } = new AbortController();
  const announce = (id: string, onlyNews: boolean) =>
    announcer.announce({ ...REGISTERED, id }, STATUS, { signal, onlyNews });
  await announce("job-1", true);
  await announce("job-1", true);
  assert.equal(printed.length, 1);
  await announce("job-1", false);
  assert.equal(printed.length, 2);
  await announce("another", true);
  assert.match(printed[2] ?? "", /log in|the job another waits/);
});

Deno.test("Announcer takes a new way to log in for news", async () => {
  await using dir = new TempDir();
  const keysFile = `${dir.path}/.authorized_keys`;
  const { announcer, printed } = announcerAt("ws://host", { keysFile });
  const announce = () =>
    announcer.announce(REGISTERED, STATUS, {
      signal: new AbortController().signal,
      onlyNews: true,
    });
  await announce();
  assert.match(printed[0] ?? "", /the job job-1 waits until .*, but nobody can log in yet/);
  dir.write(
    ".authorized_keys",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpn0jbV1bqZKYYBYJGbnj0XRE4Pq1JdcQ4vYgAbx+/0\n",
  );
  await announce();
  assert.match(printed[1] ?? "", /you can log in to the job job-1/);
});

Deno.test("Announcer says why no key of the file is usable", async () => {
  await using dir = new TempDir();
  const keysFile = `${dir.path}/.authorized_keys`;
  const { announcer } = announcerAt("ws://host", { keysFile });
  const why = async () => {
    const { text } = await announcer.describe(REGISTERED, STATUS);
    return /Nobody can log in: (.*), and the/.exec(text)?.[1];
  };
  assert.equal(await why(), `there is no file ${keysFile}`);
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpn0jbV1bqZKYYBYJGbnj0XRE4Pq1JdcQ4vYgAbx+/0";
  for (
    const [content, reason] of [
      ["", " is empty"],
      [`no-touch ${key}`, /line 1 of .* the option "no-touch" is not supported$/],
      [`\n${key.slice(0, 40)}\n`, /line 2 of .* is not usable: /],
      [`"${key}\nssh-rsa x`, /line 1 of .*, and 1 more$/],
    ] as const
  ) {
    dir.write(".authorized_keys", content);
    if (typeof reason === "string") assert.equal(await why(), keysFile + reason);
    else assert.match(await why() ?? "", reason);
  }
  Deno.removeSync(keysFile);
  Deno.mkdirSync(keysFile);
  assert.equal(await why(), `cannot read ${keysFile}: it is a directory`);
  Deno.removeSync(keysFile);
  dir.write(".authorized_keys", `"${key}"\n`);
  assert.equal(await why(), undefined, "quotes around the whole line do no harm");
});

Deno.test("Announcer folds the other commands where the CI system can, or says where they are", async () => {
  for (const env of [{}, { GITHUB_ACTIONS: "true" }, { GITLAB_CI: "true" }]) {
    // deno-lint-ignore no-control-regex
    const START = /(?=::group::|\x1b\[0Ksection_start)/;
    const { announcer, printed } = announcerAt("ws://host", { env });
    await announcer.announce(REGISTERED, STATUS, { signal: new AbortController().signal });
    const text = printed.join("");
    // A fold shows its title only.
    const [before, fold = ""] = text.split(START, 2);
    const open = `${before}${fold.split("\n", 1)[0]}${
      /(?<=::endgroup::).*/s.exec(text)?.[0] ?? ""
    }`;
    assert.ok(open.trimEnd().split("\n").length <= 8, open);
    assert.equal(/Other commands: \.\/agent status\n/.test(open), Object.keys(env).length === 0);
    assert.equal(/sftp -o/.test(text), Object.keys(env).length > 0);
    assert.doesNotMatch(open, /sftp|cmd \/c/);
  }
});

Deno.test("Announcer prints JSON for news only, and nothing else besides", async () => {
  const env = { GITHUB_ACTIONS: "true" };
  const { announcer, printed } = announcerAt("ws://host", { json: true, env });
  const { signal } = new AbortController();
  for (const id of ["job-1", "job-1", "job-2"]) {
    await announcer.announce({ ...REGISTERED, id }, STATUS, { signal });
  }
  assert.deepEqual(printed.map((line) => JSON.parse(line).id), ["job-1", "job-2"]);
});

Deno.test("Announcer tells the CI system only what is new", async () => {
  await using dir = new TempDir();
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: dir.write("output", "") };
  const { announcer, printed } = announcerAt("ws://host", { env });
  const { signal } = new AbortController();
  for (const id of ["job-1", "job-1", "job-2"]) {
    await announcer.announce({ ...REGISTERED, id }, STATUS, { signal });
  }
  await announcer.done();
  assert.equal(printed.filter((text) => text.startsWith("::notice ")).length, 2);
  const output = Deno.readTextFileSync(env.GITHUB_OUTPUT);
  assert.deepEqual(output.match(/^id=.*$/gm), ["id=job-1", "id=job-2"]);
});
