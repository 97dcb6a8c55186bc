import assert from "node:assert/strict";
import { createLog } from "../../../lib/log/log.ts";
import { logEvents } from "../../../lib/server/telemetry/log_events.ts";
import * as refusals from "../../../lib/server/rendezvous/refusals.ts";

Deno.test("logEvents() warns of who is refused, but not of each try while the server ends", () => {
  const lines: string[] = [];
  const log = logEvents(createLog({ now: () => 0, write: (line) => void lines.push(line) }));
  const client = { type: "refused", who: "client", id: "job", address: "127.0.0.1" } as const;
  log({ ...client, refusal: refusals.draining });
  log({ ...client, refusal: refusals.tooManyClients("job", 3) });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    / warn client refused id=job address=127\.0\.0\.1 label=too-many-clients /,
  );
});
