import assert from "node:assert/strict";
import { clientAddress, type SiteConfig, siteOf } from "../../../lib/server/http/site.ts";

const CONFIG: SiteConfig = {
  defaultHost: "127.0.0.1:8000",
  tls: false,
  basePath: "",
  trustProxy: true,
  username: "converge",
  password: false,
  agentToken: true,
};

function site(headers: Record<string, string>, config: Partial<SiteConfig> = {}) {
  const { http, ws, base } = siteOf(new Headers(headers), { ...CONFIG, ...config });
  return [http, ws, base];
}

Deno.test("siteOf() takes the host that was asked for, and the base path", () => {
  assert.deepEqual(site({ host: "ci.example" }), ["http://ci.example", "ws://ci.example", ""]);
  assert.deepEqual(site({ host: "[::1]:99" }, { tls: true, basePath: "/x" }), [
    "https://[::1]:99/x",
    "wss://[::1]:99/x",
    "/x",
  ]);
});

Deno.test("siteOf() ignores an invalid host", () => {
  for (
    const host of [
      "",
      'a"b',
      "a b",
      "$(reboot)",
      "a/b",
      "a:b",
      "-a",
      "x@y",
      "a".repeat(300),
      "999.1.1.1",
      "a:99999",
    ]
  ) {
    assert.equal(site({ host })[0], "http://127.0.0.1:8000", host);
  }
});

Deno.test("siteOf() believes forwarded headers only if told to", () => {
  const headers = {
    host: "inner:8000",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "ci.example",
    "x-forwarded-prefix": "/converge/",
  };
  assert.deepEqual(site(headers, { trustProxy: false }), [
    "http://inner:8000",
    "ws://inner:8000",
    "",
  ]);
  assert.deepEqual(site(headers), [
    "https://ci.example/converge",
    "wss://ci.example/converge",
    "/converge",
  ]);
  assert.equal(site(headers, { basePath: "/x" })[2], "/converge/x");
});

Deno.test("siteOf() reads Forwarded, from the proxy nearest to the visitor", () => {
  const forwarded =
    'For="[2001:db8::7]:9";Host="ci.example:8443"; Proto=HTTPS, for=10.0.0.1;host=b';
  assert.equal(site({ host: "x", forwarded })[0], "https://ci.example:8443");
  assert.equal(
    site({ host: "x", forwarded: "proto=https", "x-forwarded-host": "y" })[0],
    "https://y",
  );
  assert.equal(site({ host: "x", forwarded: 'host="a\\.b"' })[0], "http://a.b");
});

Deno.test("siteOf() takes the first of several X-Forwarded values", () => {
  const headers = { host: "x", "x-forwarded-proto": "https, http", "x-forwarded-host": "a , b" };
  assert.equal(site(headers)[0], "https://a");
});

Deno.test("siteOf() ignores forwarded values that make no sense", () => {
  const garbage: Record<string, string>[] = [
    { forwarded: 'host="a b";proto=gopher' },
    { forwarded: 'host="unclosed' },
    { forwarded: `host=${"a,".repeat(5_000)}` },
    { forwarded: ",;=,==;" },
    { "x-forwarded-proto": "javascript" },
    { "x-forwarded-host": "<script>" },
    { "x-forwarded-prefix": "/a/../b" },
    { "x-forwarded-prefix": "//evil.example" },
    { "x-forwarded-prefix": "no-slash" },
    { "x-forwarded-prefix": "/a b" },
  ];
  for (const headers of garbage) {
    assert.deepEqual(
      site({ host: "x", ...headers }),
      ["http://x", "ws://x", ""],
      JSON.stringify(headers),
    );
  }
});

Deno.test("addressOf() is the peer's own, or what the proxy next to us wrote", () => {
  const address = (headers: Record<string, string>, trust = true) =>
    clientAddress("::ffff:192.0.2.1", new Headers(headers), trust);
  assert.equal(address({}), "192.0.2.1");
  assert.equal(address({ "x-forwarded-for": "198.51.100.7" }, false), "192.0.2.1");
  assert.equal(address({ "x-forwarded-for": "203.0.113.9, 198.51.100.7" }), "198.51.100.7");
  assert.equal(address({ "x-forwarded-for": "198.51.100.7:4711" }), "198.51.100.7");
  assert.equal(address({ forwarded: 'for="[2001:db8::7]:9"' }), "2001:db8::7");
  assert.equal(address({ "x-forwarded-for": "unknown" }), "192.0.2.1");
  // With steps for each pair of characters this would take minutes.
  assert.equal(address({ "x-forwarded-for": `${":".repeat(1_000_000)}x` }), "192.0.2.1");
  assert.equal(clientAddress("::1", new Headers(), false), "::1");
});
