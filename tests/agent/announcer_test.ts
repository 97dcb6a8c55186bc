import assert from "node:assert/strict";
import { Announcer } from "../../lib/agent/announcer.ts";
import type { LifetimeStatus } from "../../lib/agent/lifetime_keeper.ts";
import { createLog } from "../../lib/cli/log.ts";
import { generateHostKey } from "../../lib/ssh/host_key.ts";
import { PROTOCOL_VERSION, type RegisteredMessage } from "../../lib/wire/protocol.ts";

const REGISTERED: RegisteredMessage = {
  ...{ type: "registered", protocol: PROTOCOL_VERSION, version: "1", parked: 0 },
  ...{ id: "job-1", username: "ann", resume: "secret" },
};
const STATUS: LifetimeStatus = {
  ...{ deadline: 600_000, expiry: 600_000, mode: "foreground", sessions: 0, shells: 0 },
  ...{ held: false, ending: false },
};

/** An announcer, and what it has printed. */
function announcerAt(server: string): { announcer: Announcer; printed: string[] } {
  const printed: string[] = [];
  const announcer = new Announcer({
    server: new URL(server),
    hostKey: generateHostKey(),
    keysFile: "/nonexistent/.authorized_keys",
    extraKeys: [],
    ...{ json: false, color: false, env: {}, notify: [] },
    log: createLog({ write: () => {} }),
    print: (text) => void printed.push(text),
  });
  return { announcer, printed };
}

Deno.test("Announcer keeps the agent's own login at a reverse proxy to itself", () => {
  const { announcer } = announcerAt("wss://agent:s3same@host/base?s3same#s3same");
  const description = announcer.describe(REGISTERED, STATUS);
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
  assert.match(printed[2] ?? "", /ID +another\n/);
});
