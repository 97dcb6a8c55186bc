import assert from "node:assert/strict";
import {
  type Announcement,
  announcementBlock,
  announcementJson,
  wantsColor,
} from "../../../lib/agent/announce/announcement.ts";
import { ANNOUNCEMENT, KEY } from "./example.ts";

function block(changes: Partial<Announcement> = {}, color = false): string {
  return announcementBlock({ ...ANNOUNCEMENT, ...changes }, { color });
}

Deno.test("announcementBlock() shows ID, time, what to paste, fingerprint and who", () => {
  const pin = `-oHostKeyAlias=job-1 -oKnownHostsCommand="/bin/echo job-1 ${KEY}" ` +
    "-oUserKnownHostsFile=none -oStrictHostKeyChecking=yes";
  assert.equal(
    block({ owners: ["ann@example.org", "github.com/bob"] }),
    `Converge: you can log in to the job job-1 until 12:10:00 UTC, for 10m
  ssh -oServerAliveInterval=120 -oProxyCommand="wsproxy wss://example.org/client/job-1" ${pin} converge@localhost
  or: ssh job-1.converge, once "wsproxy setup https://example.org" has run on your computer
  Host key SHA256:abc (ssh-ed25519)
  Login with 2 keys (ann@example.org, github.com/bob)
`,
  );
});

Deno.test("announcementBlock() has at most eight lines, whatever there is to say", () => {
  const keysProblem = "line 1 of /job/.authorized_keys is not usable: it is a private key";
  for (const keys of [0, 1]) {
    for (const wantedId of [undefined, "mine"]) {
      const changes = { keys, wantedId, keysProblem, held: true, caFile: "ca.pem" };
      const text = announcementBlock({ ...ANNOUNCEMENT, ...changes }, {
        color: true,
        more: "more",
      });
      assert.ok(text.trimEnd().split("\n").length <= 8, text);
    }
  }
});

Deno.test("announcementBlock() names every way to log in", () => {
  assert.match(block({ keys: 1, password: true }), /Login with 1 key, or the server's password\n/);
  assert.match(block({ keys: 0, password: true }), /Login with the server's password\n/);
  assert.match(block({ held: true }), /for 10m, and after the last shell ends\n/);
  const owners = ["a", "b", "c", "d", "e", "f"];
  assert.match(block({ keys: 6, owners }), /Login with 6 keys \(a, b, c, d, e, …\)\n/);
});

Deno.test("announcementBlock() says why nobody can log in and how to fix it", () => {
  const keysProblem = "there is no file /job/.authorized_keys";
  const text = block({ keys: 0, keysProblem });
  assert.match(
    text,
    /Nobody can log in: there is no file \/job\/\.authorized_keys, and the server has no password\.\n/,
  );
  assert.match(text, />> \/job\/\.authorized_keys\n/);
  assert.match(block({ keys: 0, keysFile: "/my job/keys" }), />> "\/my job\/keys"\n/);
  assert.match(text, /^Converge: the job job-1 waits until .*, but nobody can log in yet$/m);
  assert.doesNotMatch(block(), /nobody/i);
});

Deno.test("announcementBlock() names the file of certificates that clients need", () => {
  const text = block({ caFile: "my ca.pem" });
  assert.match(text, /wsproxy --ca-file "my ca\.pem" wss:\/\/example\.org/);
  assert.match(text, /wsproxy setup --ca-file "my ca\.pem" https:\/\/example\.org"/);
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
  const owners = ["a\n::add-path::/tmp"];
  const text = block({ owners, username: "x\n::add-path::/tmp\r\u2028\x1b]0;y\x07\x9b2J" });
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
    `Converge: you can log in to the job job-1 until 12:10:00 UTC, for 10m: ${json.ssh}`,
  );
  assert.ok(!JSON.stringify(json).includes("\n"), "one line");
  assert.match(
    announcementJson({ ...ANNOUNCEMENT, keys: 0 }).text,
    /^Converge: the job job-1 waits until 12:10:00 UTC, for 10m, but nobody can log in yet: ssh /,
  );
});
