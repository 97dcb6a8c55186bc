import assert from "node:assert/strict";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { jobUrl } from "../../lib/client/connect.ts";

Deno.test("jobUrl() is that of the ID before the last dot, with the server's path and query", () => {
  for (
    const [server, host, url] of [
      ["wss://ci.example", "job-42.converge", "wss://ci.example/client/job-42"],
      ["wss://ci.example/p/?wait=5m", "A.b_c.acme", "wss://ci.example/p/client/A.b_c?wait=5m"],
    ] as const
  ) assert.equal(jobUrl(new URL(server), host).href, url);
});

Deno.test("jobUrl() takes nothing but an ID", () => {
  const names = [
    "job-42",
    ".converge",
    "-a.converge",
    "a/../b.converge",
    "a b.converge",
    "--.x",
    "",
  ];
  for (
    const host of [...names, "a?wait=1m.converge", "$(id).converge", "ä.converge", "a\n.converge"]
  ) {
    assert.throws(() => jobUrl(new URL("wss://ci.example"), host), UsageError, host);
  }
});
