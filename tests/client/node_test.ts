/** wsproxy and tunnel on plain Node: their tests once more, with the bundles. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { builtDist } from "../support/dist.ts";
import { NODE_BUNDLES_VARIABLE, run } from "../support/program.ts";
import { requires } from "../support/requires.ts";

const TESTS = [
  "../e2e/setup_test.ts",
  "wsproxy_test.ts",
  "wsproxy_proxy_test.ts",
  "wsproxy_tls_test.ts",
  "resume_test.ts",
  "tunnel_test.ts",
];

requires("node")("the tests of wsproxy and tunnel pass with Node in Deno's place", async () => {
  const { code, stdout, stderr } = await run(
    Deno.execPath(),
    ["test", "-A", "--no-check", ...TESTS.map((name) => join(import.meta.dirname!, name))],
    { env: { [NODE_BUNDLES_VARIABLE]: await builtDist(), NO_COLOR: "1" } },
  );
  assert.equal(code, 0, stdout + stderr);
});
