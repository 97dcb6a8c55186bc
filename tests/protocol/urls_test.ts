import assert from "node:assert/strict";
import { websocketUrl } from "../../lib/protocol/urls.ts";

Deno.test("websocketUrl() keeps the base path and maps http to ws", () => {
  assert.equal(websocketUrl("http://host:8000", "agent/x").href, "ws://host:8000/agent/x");
  assert.equal(websocketUrl("wss://host/base/", "client/x").href, "wss://host/base/client/x");
  assert.equal(websocketUrl("ws://a:b@host/?q=1#f", "agent/x").href, "ws://a:b@host/agent/x");
  assert.equal(websocketUrl("https://host/client/x?wait=1m").href, "wss://host/client/x?wait=1m");
});

for (const base of ["", "host", "ftp://host", "/client/x"]) {
  Deno.test(`websocketUrl() rejects "${base}"`, () => {
    assert.throws(() => websocketUrl(base), TypeError);
  });
}
