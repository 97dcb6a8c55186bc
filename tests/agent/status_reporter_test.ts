import assert from "node:assert/strict";
import { StatusReporter } from "../../lib/agent/status_reporter.ts";
import type { SessionInfo } from "../../lib/ssh/handler.ts";
import type { StatusMessage } from "../../lib/wire/protocol.ts";

Deno.test("StatusReporter tells who has what open, once a turn", async () => {
  const reports: StatusMessage[] = [];
  using reporter = new StatusReporter({
    lifetime: () => ({ deadline: 7 }),
    report: (status) => reports.push(status),
  });
  const served = Promise.withResolvers<void>();
  const peer = { key: 3, address: "192.0.2.1" };
  const session = (id: number, kind: SessionInfo["kind"]): SessionInfo => ({
    ...{ id, kind, peer, pty: false, notify: () => {} },
  });
  const [shell, sftp] = [session(1, "shell"), session(2, "sftp")];
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
