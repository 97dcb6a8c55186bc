import assert from "node:assert/strict";
import { Registration } from "../../lib/agent/registration.ts";
import { createLog } from "../../lib/cli/log.ts";
import { PROTOCOL_VERSION } from "../../lib/wire/protocol.ts";
import { startWebSocketServer } from "../support/websocket_server.ts";

const NAMES = { id: "job-1", username: "ann" };

/** Registers at a server that gives these names; resolves when that is over. */
async function register(names: { id: string; username: string }) {
  await using server = startWebSocketServer({
    paths: {
      "/agent/job-1": (socket) => {
        socket.onmessage = () => {
          const registered = { type: "registered", protocol: PROTOCOL_VERSION, version: "1" };
          socket.send(JSON.stringify({ ...registered, ...names, resume: "secret", parked: 0 }));
        };
      },
    },
  });
  const done = new AbortController();
  const registrations: string[] = [];
  const registration = new Registration({
    server: new URL(server.url),
    id: "job-1",
    facts: { host: "", user: "", os: "", shell: "" },
    tls: {},
    log: createLog({ write: () => {} }),
    onRegistered: ({ id }) => {
      registrations.push(id);
      done.abort();
    },
    onClient: () => Promise.resolve(),
  });
  await registration.run(done.signal);
  return registrations;
}

Deno.test("Registration takes the names that the server gives", async () => {
  assert.deepEqual(await register(NAMES), ["job-1"]);
});

for (
  const [names, message] of [
    [{ ...NAMES, id: "x;reboot" }, /the server gave an ID that is none$/],
    [{ ...NAMES, id: "" }, /the server gave an ID that is none$/],
    [{ ...NAMES, username: "-oProxyCommand=reboot" }, /the server gave a user name that is none$/],
    [{ ...NAMES, username: "ann\nreboot" }, /the server gave a user name that is none$/],
  ] as const
) {
  const { id, username } = names;
  Deno.test(`Registration refuses ${JSON.stringify({ id, username })}, which people would paste`, async () => {
    await assert.rejects(register(names), { message });
  });
}
