import assert from "node:assert/strict";
import { createPages } from "../../lib/server/pages.ts";
import type { Site } from "../../templates/site.ts";

const SITE: Site = {
  http: "https://ci.example/relay",
  ws: "wss://ci.example/relay",
  base: "/relay",
  username: "builder",
  password: false,
  agentToken: false,
  version: "1.2.3",
};

async function get(path: string, site: Partial<Site> = {}): Promise<[Response, string]> {
  const pages = createPages();
  const full = { ...SITE, ...site };
  const url = new URL(full.http + path);
  const response = await pages(new Request(url), full, url.pathname.slice(full.base.length));
  return [response, await response.text()];
}

Deno.test("pages() fills the server's own addresses and username in", async () => {
  const [response, text] = await get("/usage");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  for (
    const line of [
      "curl https://ci.example/relay/static/agent &gt; agent",
      "./agent --id ID wss://ci.example/relay",
      "curl https://ci.example/relay/static/agent.exe &gt; agent.exe",
      "agent --id ID wss://ci.example/relay",
      'ssh -oServerAliveInterval=10 -oProxyCommand="wsproxy wss://ci.example/relay/client/ID" builder@localhost',
      'sftp -oServerAliveInterval=10 -oProxyCommand="wsproxy wss://ci.example/relay/client/ID" builder@localhost',
      "tunnel 10000 wss://ci.example/relay/client/ID",
      "ssh -oServerAliveInterval=10 -p 10000 builder@localhost",
      "sftp -oServerAliveInterval=10 -oPort=10000 builder@localhost",
    ]
  ) {
    assert.ok(decode(text).includes(decode(line)), `the page lacks: ${line}`);
  }
});

/** Undoes the escaping of text. */
function decode(html: string): string {
  return html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

Deno.test("pages() forbids inline code, foreign resources, frames and referrers", async () => {
  for (const path of ["/", "/usage", "/nothing"]) {
    const [response, text] = await get(path);
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
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
  const [, without] = await get("/usage");
  assert.match(without, /has no password/);
  assert.doesNotMatch(without, /CONVERGE_AGENT_TOKEN/);
  const [, withBoth] = await get("/usage", { password: true, agentToken: true });
  assert.doesNotMatch(withBoth, /has no password/);
  assert.match(withBoth, /CONVERGE_AGENT_TOKEN/);
});
