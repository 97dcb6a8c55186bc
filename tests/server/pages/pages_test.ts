import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { AdminLock } from "../../../lib/server/http/admin_lock.ts";
import type { BuildState } from "../../../lib/dist/build_state.ts";
import { createPages } from "../../../lib/server/pages/pages.ts";
import { SessionsFeed } from "../../../lib/server/pages/sessions_feed.ts";
import type { Site } from "../../../templates/site.ts";
import { SITE } from "../../support/site.ts";

async function get(
  path: string,
  site: Partial<Site> = {},
  options: {
    staticDir?: string;
    build?: BuildState;
    password?: string;
    headers?: HeadersInit;
    jump?: Site["jump"];
  } = {},
): Promise<[Response, string]> {
  const { staticDir = "nowhere", build, password, headers, jump } = options;
  const lock = new AdminLock(password);
  using sessions = new SessionsFeed({ snapshot: () => [], open: lock.open });
  const metrics = () => Promise.resolve(new Response("some metrics"));
  const pages = createPages({ staticDir, build, sessions, metrics, lock, jump: () => jump });
  const full = { ...SITE, ...site };
  const url = new URL(full.http + path);
  const response = await pages(
    new Request(url, { headers }),
    full,
    url.pathname.slice(full.base.length),
    "192.0.2.1",
  );
  return [response, await response.text()];
}

Deno.test("pages() fills the server's own addresses and username in", async () => {
  const [response, text] = await get("/guide");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  for (
    const line of [
      "curl -fsSL -o agent https://ci.example/relay/static/agent-$(uname -s)-$(uname -m)",
      "./agent --id ID wss://ci.example/relay",
      "curl -fsSL -o agent.exe https://ci.example/relay/static/agent.exe",
      "agent --id ID wss://ci.example/relay",
      'ssh -oServerAliveInterval=120 -oProxyCommand="wsproxy wss://ci.example/relay/client/ID" -oUserKnownHostsFile=/dev/null builder@localhost',
      'sftp -oServerAliveInterval=120 -oProxyCommand="wsproxy wss://ci.example/relay/client/ID" -oUserKnownHostsFile=/dev/null builder@localhost',
      "tunnel 10000 wss://ci.example/relay/client/ID",
      "ssh -oServerAliveInterval=120 -oUserKnownHostsFile=/dev/null -p 10000 builder@localhost",
      "sftp -oServerAliveInterval=120 -oUserKnownHostsFile=/dev/null -oPort=10000 builder@localhost",
    ]
  ) {
    assert.ok(decode(text).includes(decode(line)), `the page lacks: ${line}`);
  }
});

const JUMP = { port: 2222, hostKey: "ssh-ed25519 AAAAJUMP", fingerprint: "SHA256:abc" };
const WINDOWS = { "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" };

Deno.test("pages() show the way by ssh -J where there is a jump host, and no one else", async () => {
  for (const path of ["/", "/usage", "/guide"]) {
    const [, without] = await get(path);
    assert.doesNotMatch(without, /ssh -J|nothing but ssh|jump/i, path);
  }
  const shown = async (path: string, headers: HeadersInit = {}) => {
    const [, text] = await get(path, {}, { jump: JUMP, headers });
    return decode(text);
  };
  assert.match(await shown("/"), /It needs nothing but ssh/);
  const nowhere = [[{}, "-oUserKnownHostsFile=/dev/null"], [WINDOWS, '"-oUserKnownHostsFile=NUL"']];
  for (const [headers, option] of nowhere as [HeadersInit, string][]) {
    const guide = await shown("/guide", headers);
    assert.match(guide, /<a href="#jump">/);
    for (const [program, jump] of [["ssh", ""], ["sftp", ""], ["ssh", "wait=5m@"]]) {
      const line = `${program} -J ${jump}ci.example:2222 ${option} builder@ID<`;
      assert.ok(guide.includes(line), `the guide lacks: ${line}`);
    }
    assert.ok(guide.includes("[ci.example]:2222 ssh-ed25519 AAAAJUMP<"));
    assert.ok(guide.includes("SHA256:abc"));
    const usage = await shown("/usage", headers);
    assert.ok(usage.includes(`ssh -J ci.example:2222 ${option} builder@ID<`));
    assert.ok(usage.includes("SHA256:abc"));
  }
});

Deno.test("the usage page names the server's action, else says what to put in its place", async () => {
  const [, placeholder] = await get("/usage?ci=github");
  assert.match(placeholder, /uses: OWNER\/converge@main/);
  assert.match(placeholder, /OWNER\/converge is your copy/);
  const [, named] = await get("/usage?ci=github", { githubAction: "acme/converge@v1" });
  assert.match(named, /uses: acme\/converge@v1/);
  assert.doesNotMatch(named, /OWNER/);
});

/** Undoes the escaping of text. */
function decode(html: string): string {
  return html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

Deno.test("pages() have no inline code", async () => {
  for (const path of ["/", "/usage", "/downloads", "/sessions", "/nothing"]) {
    const [, text] = await get(path);
    assert.doesNotMatch(text, /<[^>]*\s(style|on[a-z]+)=/i);
    assert.doesNotMatch(text, /<style|<script(?![^>]*\ssrc=)/i);
  }
});

Deno.test("pages() answers an unknown path with a page, markup in it as text", async () => {
  const [response, text] = await get("/%3Cscript%3E");
  assert.equal(response.status, 404);
  assert.match(text, /No such page/);
  const [, other] = await get("/usage", { username: "<b>x" });
  assert.ok(!other.includes("<b>x"));
});

Deno.test("pages() speaks of the password and the token only if there is one", async () => {
  const [, without] = await get("/guide");
  assert.match(without, /has no password/);
  assert.doesNotMatch(without, /CONVERGE_AGENT_TOKEN/);
  const [, withBoth] = await get("/guide", { password: true, agentToken: true });
  assert.doesNotMatch(withBoth, /has no password/);
  assert.match(withBoth, /CONVERGE_AGENT_TOKEN/);
});

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

Deno.test("the usage page takes its form by GET and fills the commands in", async () => {
  const form = new URLSearchParams({ id: "job-1", ci: "github-commands", os: "powershell" });
  form.append("key", `${KEY} it's <b>me</b>`);
  form.append("key", "");
  const [response, text] = await get(`/usage?${form}`);
  assert.equal(response.status, 200);
  const plain = decode(text);
  assert.match(plain, /shell: pwsh/);
  assert.ok(plain.includes(`Set-Content -Encoding utf8 .authorized_keys '${KEY} it''s <b>me</b>'`));
  assert.match(plain, /\.\\agent --id job-1 wss:/);
  assert.match(plain, /tunnel 10000 wss:\/\/ci\.example\/relay\/client\/job-1/);
  assert.ok(!text.includes("<b>me"), "markup in a comment is text");
});

Deno.test("the usage page stays small whatever is put into its URL", async () => {
  const [response, text] = await get(`/usage?${"key=x&".repeat(10_000)}`);
  assert.equal(response.status, 200);
  assert.equal(text.match(/Line \d+ is not a public key/g)?.length, 4);
  assert.ok(text.length < 100_000, `${text.length} characters`);
});

Deno.test("the usage page never shows a private key again", async () => {
  const fence = "-----";
  const secret = `${fence}BEGIN OPENSSH PRIVATE KEY${fence} b3BlbnNzaC1rZXktdjEAAAAA`;
  const [, text] = await get(`/usage?${new URLSearchParams({ key: secret })}`);
  assert.match(text, /This is a private key/);
  assert.doesNotMatch(text, /b3BlbnNzaC1rZXktdjEAAAAA/);
  const [redirect] = await get(`/usage?${new URLSearchParams({ key: secret, "new-id": "1" })}`);
  assert.doesNotMatch(redirect.headers.get("location")!, /PRIVATE|b3Blbn/);
});

Deno.test("the usage page generates an ID on request and keeps the rest of the form", async () => {
  const form = new URLSearchParams({ key: KEY, id: "", ci: "azure", "new-id": "1" });
  const [response] = await get(`/usage?${form}`);
  assert.equal(response.status, 303);
  const location = new URL(response.headers.get("location")!, SITE.http);
  assert.equal(location.hash, "#usage-form");
  assert.equal(location.pathname, "/relay/usage");
  assert.match(location.searchParams.get("id")!, /^[a-z2-9]{16}$/);
  assert.equal(location.searchParams.get("ci"), "azure");
  assert.equal(location.searchParams.get("key"), KEY);
  assert.ok(!location.searchParams.has("new-id"));
  const [other] = await get("/usage?key=half+a+key&new-id=1");
  assert.match(other.headers.get("location")!, /\bkey=half\+a\+key\b/, "it can still be corrected");
});

Deno.test("the usage page shows an impossible ID as text and says why it is invalid", async () => {
  const [, text] = await get("/usage?id=%3Cscript%3Ealert(1)%3C/script%3E");
  assert.ok(!text.includes("<script>alert"));
  assert.match(text, /Invalid ID/);
  assert.doesNotMatch(decode(text), /--id <script>/);
});

Deno.test("the downloads page has each file with its size, checksum and commands", async () => {
  const staticDir = await Deno.makeTempDir();
  try {
    const sums = ["agent", "wsproxy.exe", "agent-darwin-arm64"].map((name) => {
      Deno.writeTextFileSync(`${staticDir}/${name}`, name.repeat(1000));
      return `${createHash("sha256").update(name.repeat(1000)).digest("hex")}  ${name}\n`;
    });
    Deno.writeTextFileSync(`${staticDir}/SHA256SUMS`, sums.join(""));
    Deno.writeTextFileSync(`${staticDir}/agent.gz`, "x".repeat(700));
    const [, text] = await get("/downloads", {}, { staticDir });
    const plain = decode(text);
    const [agent, windows, mac] = sums.map((line) => line.slice(0, 64));
    assert.ok(plain.includes(`echo "${agent}  agent" | sha256sum --check`));
    assert.ok(plain.includes(`(Get-FileHash wsproxy.exe).Hash -eq "${windows}"`));
    assert.ok(plain.includes(`echo "${mac}  agent" | shasum -a 256 --check`));
    assert.match(plain, /5\.0 kB, 700 bytes compressed/);
    assert.match(plain, /tunnel\.exe[\s\S]*This file is not on this server/);
  } finally {
    await Deno.remove(staticDir, { recursive: true });
  }
});

Deno.test("the visitor's own system comes first", async () => {
  const visitor = { headers: { "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" } };
  const [, downloads] = await get("/downloads", {}, visitor);
  const [, own] = /id="computer"([^]*)id="job"/.exec(downloads)!;
  assert.match(own!, /wsproxy\.exe[^]*tunnel\.exe/);
  assert.doesNotMatch(own!, /Linux|agent\.exe/);
  const [, usage] = await get("/usage", {}, visitor);
  assert.match(usage, /Once: download wsproxy[^]*wsproxy\.exe/);
});

Deno.test("the CI system that the visitor comes from is chosen", async () => {
  for (
    const [referer, name] of [
      ["https://github.com/ann/app/actions/runs/1", "github"],
      ["https://gitlab.example.org/ann/app/-/jobs/1", "gitlab"],
      ["https://dev.azure.com/ann", "azure"],
      ["https://example.org/", "plain"],
      ["nonsense", "plain"],
    ]
  ) {
    const [, usage] = await get("/usage", {}, { headers: { referer: referer! } });
    assert.match(usage, new RegExp(`<option value="${name}" selected`), referer);
  }
});

Deno.test("the downloads page says what is still being built, or could not be", async () => {
  const names = new Set(["agent", "agent-linux-arm64", "wsproxy.js"]);
  const build: BuildState = { status: "building", names, done: Promise.resolve() };
  const [response, text] = await get("/downloads", {}, { build });
  assert.equal(response.status, 200);
  assert.match(text, /agent-linux-arm64[\s\S]*?still being built/);
  assert.match(text, /agent\.exe[\s\S]*?not on this server/);
  const failed: BuildState = { ...build, status: "failed", reason: "<no> space" };
  const [, other] = await get("/downloads", {}, { build: failed });
  assert.match(decode(other), /wsproxy\.js[\s\S]*?cannot be built: <no> space/);
});

Deno.test("the sessions page asks for the administrator's password if there is one", async () => {
  const [open] = await get("/sessions");
  assert.equal(open.status, 200);
  const [locked, text] = await get("/sessions", {}, { password: "secret" });
  assert.equal(locked.status, 401);
  assert.match(locked.headers.get("www-authenticate")!, /^Basic realm="Converge"/);
  assert.match(text, /administrator/);
});

Deno.test("the metrics ask for the administrator's password if there is one", async () => {
  const [, metrics] = await get("/metrics");
  assert.equal(metrics, "some metrics");
  const [locked, text] = await get("/metrics", {}, { password: "secret" });
  assert.equal(locked.status, 401);
  assert.doesNotMatch(text, /some metrics/);
});
