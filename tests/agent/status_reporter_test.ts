import assert from "node:assert/strict";
import { StatusReporter } from "../../lib/agent/status_reporter.ts";
import type { SessionInfo } from "../../lib/ssh/connection/handler.ts";
import { MAX_MESSAGE_LENGTH, type StatusMessage } from "../../lib/protocol/messages.ts";

function session(id: number, kind: SessionInfo["kind"], peer: SessionInfo["peer"]): SessionInfo {
  return { id, kind, peer, pty: false, notify: () => {} };
}

Deno.test("StatusReporter tells who has what open, once a turn", async () => {
  const reports: StatusMessage[] = [];
  using reporter = new StatusReporter({
    lifetime: () => ({ deadline: 7 }),
    report: (status) => reports.push(status),
  });
  const served = Promise.withResolvers<void>();
  const peer = { key: 3, address: "192.0.2.1" };
  const [shell, sftp] = [session(1, "shell", peer), session(2, "sftp", peer)];
  reporter.client(peer, served.promise);
  reporter.opened(shell);
  reporter.opened(sftp);
  await Promise.resolve();
  assert.deepEqual(reports, [{
    type: "status",
    deadline: 7,
    activity: undefined,
    clients: [{ key: 3, sessions: ["shell", "sftp"] }],
  }]);
  reporter.closed(shell);
  await Promise.resolve();
  assert.deepEqual(reports.at(-1)!.clients, [{ key: 3, sessions: ["sftp"] }]);
  served.resolve();
  await served.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(reports.at(-1)!.clients, []);
});

Deno.test("StatusReporter tells since when a client is away, and its number when it is back", async () => {
  const reports: StatusMessage[] = [];
  let now = 1_000;
  using reporter = new StatusReporter({
    lifetime: () => ({ deadline: 7 }),
    report: (status) => reports.push(status),
    now: () => now,
  });
  const peer = { key: 3, address: "192.0.2.1" };
  reporter.client(peer, new Promise(() => {}));
  reporter.opened(session(1, "shell", peer));
  now = 2_000;
  reporter.lost(peer);
  await Promise.resolve();
  const sessions = ["shell"];
  assert.deepEqual(reports.at(-1)!.clients, [
    { key: 3, sessions, since: 1_000, away: 2_000, address: "192.0.2.1" },
  ]);
  reporter.back(peer, { key: 1, address: "192.0.2.2" });
  await Promise.resolve();
  assert.deepEqual(reports.at(-1)!.clients, [{ key: 1, sessions, since: 1_000 }]);
});

Deno.test("StatusReporter tells no more than fits into a message", async () => {
  const reports: StatusMessage[] = [];
  using reporter = new StatusReporter({
    lifetime: () => ({ deadline: 1e13, activity: 1e13 }),
    report: (status) => reports.push(status),
  });
  for (let key = 1; key <= 1_000; key++) {
    const peer = { key, address: "192.0.2.1" };
    reporter.client(peer, new Promise(() => {}));
    reporter.back(peer, { key, address: "2001:db8::".padEnd(45, "1") });
    reporter.lost(peer);
    for (let id = 0; id < 100; id++) reporter.opened(session(id, "forward", peer));
  }
  await Promise.resolve();
  assert.equal(reports.length, 1);
  assert.ok(JSON.stringify(reports[0]).length < MAX_MESSAGE_LENGTH);
  assert.ok(reports[0]!.clients.every(({ key, sessions }) => key <= 100 && sessions.length === 20));
});
