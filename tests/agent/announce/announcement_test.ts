import assert from "node:assert/strict";
import {
  type Announcement,
  announcementBlock,
  announcementJson,
  wantsColor,
} from "../../../lib/agent/announce/announcement.ts";

const NOON = Date.UTC(2026, 0, 31, 12);
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpn0jbV1bqZKYYBYJGbnj0XRE4Pq1JdcQ4vYgAbx+/0";

const ANNOUNCEMENT: Announcement = {
  id: "job-1",
  username: "converge",
  url: "wss://example.org/client/job-1",
  hostKey: KEY,
  fingerprint: "SHA256:abc",
  deadline: NOON + 600_000,
  now: NOON,
  held: false,
  keys: 2,
  keysFile: "/job/.authorized_keys",
  password: false,
};

function block(changes: Partial<Announcement> = {}, color = false): string {
  return announcementBlock({ ...ANNOUNCEMENT, ...changes }, { color });
}

Deno.test("announcementBlock() shows ID, user, fingerprint, time and what to paste", () => {
  const pin = `-oHostKeyAlias=job-1 -oKnownHostsCommand="/bin/echo job-1 ${KEY}" ` +
    "-oUserKnownHostsFile=none -oStrictHostKeyChecking=yes";
  const lines = block().split("\n").map((line) => line.trim());
  for (
    const line of [
      "Converge: you can log in to the job job-1",
      "ID           job-1",
      "User         converge",
      "Host key     SHA256:abc (ssh-ed25519)",
      "Waits until  12:10:00 UTC, for 10m",
      "Login with   2 keys",
      'ssh -oServerAliveInterval=10 -oProxyCommand="wsproxy wss://example.org/client/job-1" ' +
      `${pin} converge@localhost`,
      "tunnel 10000 wss://example.org/client/job-1",
      `ssh -oServerAliveInterval=10 ${pin} -p 10000 converge@localhost`,
      `sftp -oServerAliveInterval=10 ${pin} -oPort=10000 converge@localhost`,
      "Host job-1",
      `KnownHostsCommand /bin/echo job-1 ${KEY}`,
      `cmd /c ">job-1.known_hosts echo job-1 ${KEY}"`,
    ]
  ) assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join("\n")}`);
});

Deno.test("announcementBlock() names every way to log in", () => {
  assert.match(block({ keys: 1, password: true }), /Login with +1 key, or the server's password/);
  assert.match(block({ keys: 0, password: true }), /Login with +the server's password\n/);
  assert.match(block({ held: true }), /for 10m, and after the last shell ends\n/);
});

Deno.test("announcementBlock() says that nobody can log in and how to fix it", () => {
  const text = block({ keys: 0 });
  assert.match(text, /Nobody can log in: \/job\/\.authorized_keys has no usable key/);
  assert.match(text, />> \/job\/\.authorized_keys\n/);
  assert.match(block({ keys: 0, keysFile: "/my job/keys" }), />> "\/my job\/keys"\n/);
  assert.match(text, /--github-user/);
  assert.match(text, /^Converge: the job job-1 waits, but nobody can log in yet$/m);
  assert.doesNotMatch(block(), /nobody/i);
});

Deno.test("announcementBlock() says that the server gave another ID", () => {
  const text = block({ wantedId: "mine" });
  assert.match(text, /Another agent has the ID mine; the server assigned this one\./);
});

Deno.test("announcementBlock() has colours only when they are wanted", () => {
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(block({ keys: 0 }), /\x1b/);
  const colored = block({ keys: 0 }, true);
  assert.ok(colored.includes("\x1b[1m"));
  assert.equal(colored.replaceAll("\x1b", "").replaceAll(/\[\d+m/g, ""), block({ keys: 0 }));
});

Deno.test("wantsColor() asks terminal, NO_COLOR and TERM", () => {
  assert.equal(wantsColor(true, {}), true);
  assert.equal(wantsColor(true, { NO_COLOR: "" }), true);
  assert.equal(wantsColor(true, { NO_COLOR: "1" }), false);
  assert.equal(wantsColor(true, { TERM: "dumb" }), false);
  assert.equal(wantsColor(false, {}), false);
});

Deno.test("announcementBlock() lets no text of the server forge lines or drive a terminal", () => {
  const text = block({ username: "x\n::add-path::/tmp\r\u2028\x1b]0;y\x07\x9b2J" });
  assert.equal(text.split("\n").length, block().split("\n").length);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f\u2028]/);
});

Deno.test("announcementJson() is the registration as data", () => {
  const json = announcementJson(ANNOUNCEMENT);
  assert.equal(json.id, "job-1");
  assert.equal(json.deadline, "2026-01-31T12:10:00.000Z");
  assert.equal(json.knownHosts, `job-1 ${KEY}`);
  assert.equal(
    json.text,
    `Converge: you can log in to the job job-1 until 12:10:00 UTC (10m): ${json.ssh}`,
  );
  assert.ok(!JSON.stringify(json).includes("\n"), "one line");
  assert.match(
    announcementJson({ ...ANNOUNCEMENT, keys: 0 }).text,
    /^Converge: the job job-1 waits until 12:10:00 UTC \(10m\), but nobody can log in yet: ssh /,
  );
});
