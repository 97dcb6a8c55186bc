import assert from "node:assert/strict";
import { proxyFor } from "../../../lib/wire/dial/proxy.ts";

/** The proxy as `host:port`, or "direct". */
function choose(url: string, env: Record<string, string>): string {
  const proxy = proxyFor(new URL(url), (name) => env[name]);
  return proxy === undefined ? "direct" : `${proxy.hostname}:${proxy.port}`;
}

Deno.test("proxyFor() reads the variable for the scheme, in lower case first", () => {
  const http = { HTTP_PROXY: "http://upper:1", http_proxy: "http://lower:2" };
  assert.equal(choose("ws://host/", http), "lower:2");
  assert.equal(choose("wss://host/", http), "direct");
  assert.equal(choose("wss://host/", { HTTPS_PROXY: "http://secure:3" }), "secure:3");
  assert.equal(choose("ws://host/", { ALL_PROXY: "http://all:4" }), "all:4");
  assert.equal(choose("ws://host/", { HTTP_PROXY: "http://a:1", all_proxy: "http://b" }), "a:1");
  assert.equal(choose("ws://host/", {}), "direct");
  assert.equal(choose("ws://host/", { HTTP_PROXY: "" }), "direct");
});

Deno.test("proxyFor() takes a proxy without scheme or port", () => {
  assert.equal(choose("wss://host/", { HTTPS_PROXY: "proxy:3128" }), "proxy:3128");
  assert.equal(choose("ws://host/", { HTTP_PROXY: "http://proxy" }), "proxy:80");
  assert.equal(choose("ws://host/", { HTTP_PROXY: "http://[::1]:8080/" }), "::1:8080");
});

Deno.test("proxyFor() obeys NO_PROXY: names with all below, addresses, networks, ports", () => {
  const direct = (url: string, NO_PROXY: string) =>
    choose(url, { ALL_PROXY: "http://proxy:1", NO_PROXY }) === "direct";
  const cases: [string, string, boolean][] = [
    ["ws://example.org/", "*", true],
    ["ws://example.org/", "example.org", true],
    ["ws://EXAMPLE.org/", "Example.ORG", true],
    ["ws://ci.example.org/", "example.org", true],
    ["ws://ci.example.org/", ".example.org", true],
    ["ws://example.org/", ".example.org", true],
    ["ws://ci.example.org/", "*.example.org", true],
    ["ws://badexample.org/", "example.org", false],
    ["ws://example.org.evil/", "example.org", false],
    ["ws://example.org:8000/", "example.org:8000", true],
    ["ws://example.org/", "example.org:80", true],
    ["wss://example.org/", "example.org:80", false],
    ["ws://127.0.0.1:5/", "localhost,127.0.0.1", true],
    ["ws://10.1.2.3/", "a, 10.0.0.0/8", true],
    ["ws://11.1.2.3/", "10.0.0.0/8", false],
    ["ws://[fd00::5]/", "fd00::/8", true],
    ["ws://[fe00::5]/", "fd00::/8", false],
    ["ws://[2001:db8::1]/", "2001:DB8:0::1", true],
    ["ws://[::1]:5/", "::1", true],
    ["ws://[::1]:5/", "[::1]:5", true],
    ["ws://[::1]:5/", "[::1]:6", false],
    ["ws://example.org/", "", false],
    ["ws://example.org/", " , ", false],
  ];
  for (const [url, list, expected] of cases) {
    assert.equal(direct(url, list), expected, `${url} with NO_PROXY=${list}`);
  }
});

Deno.test("proxyFor() makes the login a header", () => {
  const env = { HTTP_PROXY: "http://ann:p%40ss@proxy:1" };
  const proxy = proxyFor(new URL("ws://host/"), (name) => env[name as keyof typeof env]);
  assert.equal(proxy?.authorization, `Basic ${btoa("ann:p@ss")}`);
});

Deno.test("proxyFor() refuses what it cannot use, without showing the login", () => {
  for (const value of ["socks5://ann:secret@proxy:1", "https://ann:secret@proxy", "http://"]) {
    assert.throws(() => choose("ws://host/", { ALL_PROXY: value }), (error: Error) => {
      assert.match(error.message, /^cannot use the proxy in ALL_PROXY: it must look like http:/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});
